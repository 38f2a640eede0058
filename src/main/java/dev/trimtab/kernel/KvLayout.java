package dev.trimtab.kernel;

import dev.trimtab.error.Internal;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.List;

/// Where keys and values lie inside a KV block, which holds [#BLOCK_TOKENS] consecutive tokens of one
/// sequence for every layer. For each layer, for each KV head:
///
/// 1. keys, transposed: `[headDim, BLOCK_TOKENS]`, so that a vector lane is a token and scores need no
///    horizontal sum;
/// 2. values: `[BLOCK_TOKENS, headDim]`, so that a lane is an output element.
///
/// In Q8 both are cut to tiles of 32 elements of a head by 32 tokens, the last padded: lines of 32 codes in
/// the order of [PackedMatrix#lane], then 32 scales. A key tile's line is an element, its lanes and scales
/// are tokens; a value tile's line and scale is a token, its lanes are elements.
///
/// The number of KV heads may differ from layer to layer (structured pruning).
public final class KvLayout {
    /// Tokens in a block.
    public static final int BLOCK_TOKENS = 32;

    private static final int TILE = PackedMatrix.TILE;

    /// Codes and scales of a tile in Q8.
    public static final long TILE_BYTES = (long) TILE * TILE + 2L * TILE;

    private static final long SCALES = (long) TILE * TILE;
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfByte BYTE = ValueLayout.JAVA_BYTE;

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
        return encoding.headBytes(headDim);
    }

    private long headBytes() {
        return 2 * keyBytes();
    }

    /// Element `d` of the key in slot `slot` of the keys at byte `at`.
    float key(MemorySegment kv, long at, int slot, int d) {
        if (encoding != KvEncoding.Q8) {
            return plain(kv, at + (d * BLOCK_TOKENS + slot) * elementBytes());
        }
        long tile = at + d / TILE * TILE_BYTES;
        int lane = PackedMatrix.lane(slot);
        return kv.get(BYTE, tile + (long) (d % TILE) * TILE + lane) * scale(kv, tile, lane);
    }

    /// Element `d` of the value in slot `slot` of the values at byte `at`.
    float value(MemorySegment kv, long at, int slot, int d) {
        if (encoding != KvEncoding.Q8) {
            return plain(kv, at + (slot * headDim + d) * elementBytes());
        }
        long tile = at + d / TILE * TILE_BYTES;
        return kv.get(BYTE, tile + (long) slot * TILE + PackedMatrix.lane(d % TILE)) * scale(kv, tile, slot);
    }

    private float plain(MemorySegment kv, long at) {
        return switch (encoding) {
            case F32 -> kv.get(FLOAT, at);
            case F16 -> Float.float16ToFloat(kv.get(SHORT, at));
            case BF16 -> Float.intBitsToFloat(kv.get(SHORT, at) << 16);
            case Q8 -> throw new Internal("Q8 has no elements of its own");
        };
    }

    private static float scale(MemorySegment kv, long tile, int index) {
        return Float.float16ToFloat(kv.get(SHORT, tile + SCALES + 2L * index));
    }

    /// Writes `x[from .. from + headDim())` as the key in slot `slot` of the keys at byte `at`.
    void storeKey(MemorySegment kv, long at, int slot, float[] x, int from) {
        if (encoding != KvEncoding.Q8) {
            storePlain(kv, at + slot * elementBytes(), BLOCK_TOKENS * elementBytes(), x, from);
            return;
        }
        int lane = PackedMatrix.lane(slot);
        for (int first = 0; first < headDim; first += TILE) {
            long tile = at + first / TILE * TILE_BYTES;
            int count = Math.min(TILE, headDim - first);
            float inverse = storeScale(kv, tile + SCALES + 2L * lane, x, from + first, count);
            for (int i = 0; i < count; i++) {
                kv.set(BYTE, tile + (long) i * TILE + lane, code(x[from + first + i] * inverse));
            }
        }
    }

    /// Writes `x[from .. from + headDim())` as the value in slot `slot` of the values at byte `at`.
    void storeValue(MemorySegment kv, long at, int slot, float[] x, int from) {
        if (encoding != KvEncoding.Q8) {
            storePlain(kv, at + (long) slot * headDim * elementBytes(), elementBytes(), x, from);
            return;
        }
        for (int first = 0; first < headDim; first += TILE) {
            long tile = at + first / TILE * TILE_BYTES;
            int count = Math.min(TILE, headDim - first);
            float inverse = storeScale(kv, tile + SCALES + 2L * slot, x, from + first, count);
            for (int i = 0; i < count; i++) {
                long place = tile + (long) slot * TILE + PackedMatrix.lane(i);
                kv.set(BYTE, place, code(x[from + first + i] * inverse));
            }
        }
    }

    private void storePlain(MemorySegment kv, long at, long step, float[] x, int from) {
        switch (encoding) {
            case F32 -> {
                for (int i = 0; i < headDim; i++) {
                    kv.set(FLOAT, at + i * step, x[from + i]);
                }
            }
            case F16 -> {
                for (int i = 0; i < headDim; i++) {
                    kv.set(SHORT, at + i * step, finite(Float.floatToFloat16(x[from + i])));
                }
            }
            case BF16 -> {
                for (int i = 0; i < headDim; i++) {
                    kv.set(SHORT, at + i * step, PackedMatrix.toBfloat16(x[from + i]));
                }
            }
            case Q8 -> throw new Internal("Q8 has no elements of its own");
        }
    }

    private long elementBytes() {
        return encoding == KvEncoding.F32 ? Float.BYTES : Short.BYTES;
    }

    /// An infinite half becomes the largest finite one.
    private static short finite(short half) {
        return (short) ((half & 0x7fff) == 0x7c00 ? half - 1 : half);
    }

    /// Writes the scale of `count` elements, their largest magnitude at 127, and returns what to multiply
    /// them with.
    private static float storeScale(MemorySegment kv, long at, float[] x, int from, int count) {
        float extreme = 0;
        for (int i = from; i < from + count; i++) {
            extreme = Math.max(extreme, Math.abs(x[i]));
        }
        short half = finite(Float.floatToFloat16(extreme / 127));
        kv.set(SHORT, at, half);
        float scale = Float.float16ToFloat(half);
        return scale == 0 ? 0 : 1 / scale;
    }

    private static byte code(float scaled) {
        return (byte) Math.clamp(Math.round(scaled), -127, 127);
    }
}
