package dev.trimtab.kernel;

import java.util.List;

/// Where keys and values lie inside a KV block, which holds [#BLOCK_TOKENS] consecutive tokens of one sequence for
/// every
/// layer. For each layer, for each KV head:
///
/// 1. keys, transposed: `[headDim, BLOCK_TOKENS]`, so that a vector lane is a token and scores need no horizontal sum;
/// 2. values: `[BLOCK_TOKENS, headDim]`, so that a lane is an output element.
///
/// The number of KV heads may differ from layer to layer (structured pruning).
public final class KvLayout {
    /// Tokens in a block.
    public static final int BLOCK_TOKENS = 32;

    private final KvEncoding encoding;
    private final int headDim;
    private final int[] kvHeads;
    private final long[] layerOffsets;

    /// `kvHeads` has one entry a layer.
    public KvLayout(KvEncoding encoding, int headDim, List<Integer> kvHeads) {
        this.encoding = encoding;
        this.headDim = headDim;
        this.kvHeads = kvHeads.stream().mapToInt(Integer::intValue).toArray();
        this.layerOffsets = new long[this.kvHeads.length + 1];
        for (int layer = 0; layer < this.kvHeads.length; layer++) {
            layerOffsets[layer + 1] = layerOffsets[layer] + this.kvHeads[layer] * headBytes();
        }
    }

    public KvEncoding encoding() {
        return encoding;
    }

    public int headDim() {
        return headDim;
    }

    public int layers() {
        return kvHeads.length;
    }

    public int kvHeads(int layer) {
        return kvHeads[layer];
    }

    /// Bytes of one block, all layers.
    public long blockBytes() {
        return layerOffsets[kvHeads.length];
    }

    /// Byte offset inside a block of the keys of `head` in `layer`; its values follow after [#keyBytes()].
    public long headOffset(int layer, int head) {
        return layerOffsets[layer] + head * headBytes();
    }

    /// Bytes of one head's keys in a block; as many for its values.
    public long keyBytes() {
        return (long) headDim * BLOCK_TOKENS * encoding.elementBytes();
    }

    private long headBytes() {
        return 2 * keyBytes();
    }
}
