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
/// 2. values, in tiles of 32 elements of the head, the last padded: `[BLOCK_TOKENS, 32]` each, so that a
///    lane is an output element and a tile is read from end to end.
///
/// So each is made of lines of 32 lanes, and a kernel that multiplies lines with numbers of its own and sums
/// them serves both. The lanes of 8 and 16 bits are in the order of [PackedMatrix#lane]: even and odd lanes
/// widen apart. In Q8 keys are cut to tiles too, of 32 elements, the last padded; a tile has 32 scales after
/// its lines, one a token. A key tile's lanes are tokens, a value tile's lines.
///
/// The number of KV heads may differ from layer to layer (structured pruning).
public final class KvLayout {
    /// Tokens in a block.
    public static final int BLOCK_TOKENS = 32;

    private static final int TILE = PackedMatrix.TILE;

    /// Where a Q8 tile's scales begin.
    public static final long SCALES = (long) TILE * TILE;

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

    /// Bytes of one head's keys in a block.
    public long keyBytes() {
        return encoding == KvEncoding.Q8 ? tiles() * tileBytes() : encoding.tileBytes(headDim);
    }

    /// Bytes of a tile of 32 lines, its scales included.
    public long tileBytes() {
        return encoding.tileBytes(TILE);
    }

    /// Tiles of one head's values in a block, and of its keys in Q8.
    public int tiles() {
        return Math.ceilDiv(headDim, TILE);
    }

    /// Bytes of one head's keys and values in a block.
    public long headBytes() {
        return keyBytes() + tiles() * tileBytes();
    }

    /// Element `d` of the key in slot `slot` of the keys at byte `at`.
    float key(MemorySegment kv, long at, int slot, int d) {
        if (encoding != KvEncoding.Q8) {
            return plain(kv, at + (long) d * lineBytes() + laneOffset(slot));
        }
        long tile = at + d / TILE * tileBytes();
        return kv.get(BYTE, tile + d % TILE * lineBytes() + laneOffset(slot)) * scale(kv, tile, slot);
    }

    /// Element `d` of the value in slot `slot` of the values at byte `at`.
    float value(MemorySegment kv, long at, int slot, int d) {
        long tile = at + d / TILE * tileBytes();
        long place = tile + slot * lineBytes() + laneOffset(d % TILE);
        return encoding == KvEncoding.Q8 ? kv.get(BYTE, place) * scale(kv, tile, slot) : plain(kv, place);
    }

    private float plain(MemorySegment kv, long at) {
        return switch (encoding) {
            case F32 -> kv.get(FLOAT, at);
            case F16 -> Float.float16ToFloat(kv.get(SHORT, at));
            case BF16 -> Float.intBitsToFloat(kv.get(SHORT, at) << 16);
            case Q8 -> throw new Internal("Q8 has no elements of its own");
        };
    }

    private long lineBytes() {
        return TILE * elementBytes();
    }

    /// Where lane `index` of a line lies.
    private long laneOffset(int index) {
        return (encoding == KvEncoding.F32 ? index : PackedMatrix.lane(index)) * elementBytes();
    }

    private long elementBytes() {
        return switch (encoding) {
            case F32 -> Float.BYTES;
            case F16, BF16 -> Short.BYTES;
            case Q8 -> Byte.BYTES;
        };
    }

    private static float scale(MemorySegment kv, long tile, int index) {
        return Float.float16ToFloat(kv.get(SHORT, tile + SCALES + 2L * index));
    }

    /// Writes `x[from .. from + headDim())` as the key in slot `slot` of the keys at byte `at`.
    void storeKey(MemorySegment kv, long at, int slot, float[] x, int from) {
        if (encoding != KvEncoding.Q8) {
            storeKeyElements(kv, at + laneOffset(slot), x, from);
            return;
        }
        for (int first = 0; first < headDim; first += TILE) {
            long tile = at + first / TILE * tileBytes();
            int count = Math.min(TILE, headDim - first);
            float inverse = storeScale(kv, tile + SCALES + 2L * slot, x, from + first, count);
            for (int i = 0; i < count; i++) {
                kv.set(BYTE, tile + i * lineBytes() + laneOffset(slot), code(x[from + first + i] * inverse));
            }
        }
    }

    private void storeKeyElements(MemorySegment kv, long at, float[] x, int from) {
        for (int i = 0; i < headDim; i++) {
            storePlain(kv, at + i * lineBytes(), x[from + i]);
        }
    }

    /// Writes `x[from .. from + headDim())` as the value in slot `slot` of the values at byte `at`.
    void storeValue(MemorySegment kv, long at, int slot, float[] x, int from) {
        for (int first = 0; first < headDim; first += TILE) {
            long tile = at + first / TILE * tileBytes();
            int count = Math.min(TILE, headDim - first);
            storeValueTile(kv, tile, slot, x, from + first, count);
        }
    }

    private void storeValueTile(MemorySegment kv, long tile, int slot, float[] x, int from, int count) {
        long line = tile + slot * lineBytes();
        if (encoding != KvEncoding.Q8) {
            for (int i = 0; i < count; i++) {
                storePlain(kv, line + laneOffset(i), x[from + i]);
            }
            return;
        }
        float inverse = storeScale(kv, tile + SCALES + 2L * slot, x, from, count);
        for (int i = 0; i < count; i++) {
            kv.set(BYTE, line + laneOffset(i), code(x[from + i] * inverse));
        }
    }

    private void storePlain(MemorySegment kv, long at, float x) {
        switch (encoding) {
            case F32 -> kv.set(FLOAT, at, x);
            case F16 -> kv.set(SHORT, at, finite(Float.floatToFloat16(x)));
            case BF16 -> kv.set(SHORT, at, PackedMatrix.toBfloat16(x));
            case Q8 -> throw new Internal("Q8 has no elements of its own");
        }
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
