package dev.trimtab.kernel;

import java.lang.foreign.MemorySegment;
import java.util.List;

/// Where keys and values lie inside a KV block, which holds [#BLOCK_TOKENS] consecutive tokens of one
/// sequence for every layer. For each layer, for each KV head:
///
/// 1. keys, transposed: `[headDim, BLOCK_TOKENS]`, so that a vector lane is a token and scores need no
///    horizontal sum;
/// 2. values, in tiles of 32 elements of the head, the last padded: `[BLOCK_TOKENS, 32]` each, so that a
///    lane is an output element and a tile is read from end to end.
///
/// So each is made of lines of 32 lanes, and a kernel that multiplies lines with numbers of its own and sums
/// them serves both. Where they are codes keys are cut to tiles too, of 32 elements, the last padded; a tile has
/// 32 scales after its lines, one a token. A key tile's lanes are tokens, a value tile's lines.
/// [KvEncoding] has the order of lanes within a line.
///
/// The number of KV heads may differ from layer to layer (structured pruning).
public final class KvLayout {
    /// Tokens in a block.
    public static final int BLOCK_TOKENS = 32;

    private static final int TILE = PackedMatrix.TILE;

    private final KvEncoding keys;
    private final KvEncoding values;
    private final int headDim;
    private final int[] kvHeads;
    private final long[] layerOffsets;

    /// `kvHeads` has one entry a layer.
    public KvLayout(KvEncodings encodings, int headDim, List<Integer> kvHeads) {
        this.keys = encodings.keys();
        this.values = encodings.values();
        this.headDim = headDim;
        this.kvHeads = kvHeads.stream().mapToInt(Integer::intValue).toArray();
        this.layerOffsets = new long[this.kvHeads.length + 1];
        for (int layer = 0; layer < this.kvHeads.length; layer++) {
            layerOffsets[layer + 1] = layerOffsets[layer] + this.kvHeads[layer] * headBytes();
        }
    }

    /// How keys are held.
    public KvEncoding keys() {
        return keys;
    }

    /// How values are held.
    public KvEncoding values() {
        return values;
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

    /// Bytes that a token takes, all layers.
    public long tokenBytes() {
        return blockBytes() / BLOCK_TOKENS;
    }

    /// Byte offset inside a block of the keys of `head` in `layer`; its values follow after [#keyBytes()].
    public long headOffset(int layer, int head) {
        return layerOffsets[layer] + head * headBytes();
    }

    /// Bytes of one head's keys in a block.
    public long keyBytes() {
        return keys.isCoded() ? tiles() * keyTileBytes() : keys.lineBytes(headDim);
    }

    /// Bytes of 32 lines of keys, their scales included.
    public long keyTileBytes() {
        return keys.tileBytes();
    }

    /// Bytes of a tile of values, its scales included.
    public long valueTileBytes() {
        return values.tileBytes();
    }

    /// Tiles of one head's values in a block, and of its keys.
    public int tiles() {
        return Math.ceilDiv(headDim, TILE);
    }

    /// Bytes of one head's keys and values in a block.
    public long headBytes() {
        return keyBytes() + tiles() * valueTileBytes();
    }

    /// Element `d` of the key in slot `slot` of the keys at byte `at`.
    float key(MemorySegment kv, long at, int slot, int d) {
        long tile = at + d / TILE * keyTileBytes();
        float held = keys.read(kv, tile, d % TILE, slot);
        return keys.isCoded() ? held * keys.readScale(kv, tile, slot) : held;
    }

    /// Element `d` of the value in slot `slot` of the values at byte `at`.
    float value(MemorySegment kv, long at, int slot, int d) {
        long tile = at + d / TILE * valueTileBytes();
        float held = values.read(kv, tile, slot, d % TILE);
        return values.isCoded() ? held * values.readScale(kv, tile, slot) : held;
    }

    /// Writes `x[from .. from + headDim())` as the key in slot `slot` of the keys at byte `at`.
    void storeKey(MemorySegment kv, long at, int slot, float[] x, int from) {
        for (int t = 0; t < tiles(); t++) {
            long tile = at + t * keyTileBytes();
            int first = from + t * TILE;
            int count = Math.min(TILE, from + headDim - first);
            float factor = factor(keys, kv, tile, slot, x, first, count);
            for (int i = 0; i < count; i++) {
                keys.write(kv, tile, i, slot, x[first + i] * factor);
            }
        }
    }

    /// Writes `x[from .. from + headDim())` as the value in slot `slot` of the values at byte `at`.
    void storeValue(MemorySegment kv, long at, int slot, float[] x, int from) {
        for (int t = 0; t < tiles(); t++) {
            long tile = at + t * valueTileBytes();
            int first = from + t * TILE;
            int count = Math.min(TILE, from + headDim - first);
            float factor = factor(values, kv, tile, slot, x, first, count);
            for (int i = 0; i < count; i++) {
                values.write(kv, tile, slot, i, x[first + i] * factor);
            }
        }
    }

    /// What `x[from .. from + count)` is multiplied with as it is held; the scale of codes is written.
    private static float factor(
            KvEncoding encoding, MemorySegment kv, long tile, int slot, float[] x, int from, int count) {
        return encoding.isCoded() ? encoding.writeScale(kv, tile, slot, encoding.scale(x, from, count)) : 1;
    }
}
