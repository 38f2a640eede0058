package dev.trimtab.kernel;

import dev.trimtab.error.Internal;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Locale;

/// How numbers are held in the KV cache: in lines of 32 lanes, as [KvLayout] has them. Those of 8 and 16 bits
/// have their lanes in the order of [PackedMatrix#lane]: even and odd ones widen apart.
public enum KvEncoding {
    F32(Float.SIZE),

    /// Values beyond its range become its largest, not infinite: every tier takes a cached f16 for a number.
    F16(Short.SIZE),

    BF16(Short.SIZE),

    /// Signed 8-bit codes with an f16 scale for each 32 elements of a token's key or value: about half of
    /// F16.
    Q8(Byte.SIZE),

    /// Signed 4-bit codes, -8 to 7, with an f16 scale for each 32 elements of a token's value: about half of
    /// Q8. Not for keys: see [KvEncodings].
    ///
    /// A byte is the code of lane i and, above it, that of lane `16 + i`, so that no two lines share one and
    /// tokens can be stored by different threads. Byte i of line c lies at `64 (c / 4) + 4 i + c % 4`: the int
    /// that begins with it has i's lane in its lowest bits, for vectors of every width.
    ///
    /// Scales alone, without minima: for groups of 32 those lose as much in 18 bytes as with a minimum in 20
    /// (KL divergence of the demo model in nats: 0.00029 and 0.00032 over 4096 tokens, 0.00034 and 0.00032 over
    /// 16384), and a minimum is one more sum for the kernels. Heads of 8 and 16 have smaller groups, to which
    /// it would be worth more (0.0015 for 0.0023 on stories260K, 0.0058 for 0.0075 on TinyStories-656K).
    Q4(4);

    private static final int TILE = PackedMatrix.TILE;
    private static final int HALF = TILE / 2;

    /// Lines of Q4 whose bytes alternate.
    private static final int Q4_LINES = 4;

    private static final int Q4_MIN = -8;
    private static final int Q4_MAX = 7;
    private static final int Q8_MAX = 127;

    /// The largest f16.
    private static final float HALF_MAX = 65_504;

    /// Rounds of fitting Q4's scale to its codes. Of normal elements the first takes 2.2 % off the error, the second
    /// 0.9 %, a third would take 0.3 %.
    private static final int FITTINGS = 2;

    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfByte BYTE = ValueLayout.JAVA_BYTE;

    private final int bits;

    KvEncoding(int bits) {
        this.bits = bits;
    }

    /// `q8`.
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }

    /// Whether what is held are codes, of which 32 share a scale.
    public boolean isCoded() {
        return bits < Short.SIZE;
    }

    /// Whether lanes can be tokens, which different threads store.
    boolean holdsKeys() {
        return bits >= Byte.SIZE;
    }

    /// Bytes of `lines` lines, without scales.
    long lineBytes(int lines) {
        return (long) lines * TILE * bits / Byte.SIZE;
    }

    /// Where the 32 scales of a tile of codes begin, a line of F16 after its 32 lines.
    public long scalesOffset() {
        return lineBytes(TILE);
    }

    /// Bytes of a tile of 32 lines, its scales included.
    long tileBytes() {
        return lineBytes(TILE) + (isCoded() ? F16.lineBytes(1) : 0);
    }

    /// The number, or the code, in lane `lane` of line `line` of the lines at byte `at`.
    float read(MemorySegment kv, long at, int line, int lane) {
        long place = at + place(line, lane);
        return switch (this) {
            case F32 -> kv.get(FLOAT, place);
            case F16 -> Float.float16ToFloat(kv.get(SHORT, place));
            case BF16 -> Float.intBitsToFloat(kv.get(SHORT, place) << 16);
            case Q8 -> kv.get(BYTE, place);
            case Q4 -> (kv.get(BYTE, place) << (lane < HALF ? 28 : 24)) >> 28;
        };
    }

    /// Writes what [#read] reads; a code is the nearest to `x`.
    void write(MemorySegment kv, long at, int line, int lane, float x) {
        long place = at + place(line, lane);
        switch (this) {
            case F32 -> kv.set(FLOAT, place, x);
            case F16 -> kv.set(SHORT, place, finiteHalf(x));
            case BF16 -> kv.set(SHORT, place, Bfloat16.of(x));
            case Q8 -> kv.set(BYTE, place, (byte) Math.clamp(Math.round(x), -Q8_MAX, Q8_MAX));
            case Q4 -> kv.set(BYTE, place, withCode4(kv.get(BYTE, place), lane, code4(x)));
        }
    }

    private static byte withCode4(byte both, int lane, int code) {
        return (byte) (lane < HALF ? (both & 0xf0) | (code & 0x0f) : (both & 0x0f) | (code << 4));
    }

    private long place(int line, int lane) {
        return switch (this) {
            case F32 -> ((long) line * TILE + lane) * Float.BYTES;
            case F16, BF16 -> ((long) line * TILE + PackedMatrix.lane(lane)) * Short.BYTES;
            case Q8 -> (long) line * TILE + PackedMatrix.lane(lane);
            case Q4 -> (long) (line / Q4_LINES * HALF + lane % HALF) * Q4_LINES + line % Q4_LINES;
        };
    }

    private static int code4(float x) {
        return Math.clamp(Math.round(x), Q4_MIN, Q4_MAX);
    }

    /// The scale of the codes of `x[from .. from + count)`. In Q8 the largest magnitude is at 127. In Q4 the
    /// largest is at -8, whatever its sign, and then by turns
    ///
    ///     q_i = the code nearest to x_i / d;  d = sum_i q_i x_i / sum_i q_i^2
    ///
    /// which is the scale with the least squared error for these codes. NaN has no codes: its scale is NaN.
    float scale(float[] x, int from, int count) {
        return switch (this) {
            case Q8 -> Math.abs(extreme(x, from, count)) / Q8_MAX;
            case Q4 -> fitted(x, from, count);
            case F32, F16, BF16 -> throw new Internal(label() + " has no scales");
        };
    }

    private static float extreme(float[] x, int from, int count) {
        float extreme = 0;
        for (int i = from; i < from + count; i++) {
            if (Math.abs(x[i]) > Math.abs(extreme) || Float.isNaN(x[i])) {
                extreme = x[i];
            }
        }
        return extreme;
    }

    private static float fitted(float[] x, int from, int count) {
        float scale = extreme(x, from, count) / Q4_MIN;
        if (scale == 0 || Math.abs(scale) > HALF_MAX) {
            return scale;
        }
        for (int round = 0; round < FITTINGS; round++) {
            float inverse = 1 / scale;
            float products = 0;
            float squares = 0;
            for (int i = from; i < from + count; i++) {
                int code = code4(x[i] * inverse);
                products += code * x[i];
                squares += code * code;
            }
            scale = products / squares;
        }
        return scale;
    }

    /// Reads the scale in place `index` of the tile at byte `tile`.
    float readScale(MemorySegment kv, long tile, int index) {
        return Float.float16ToFloat(kv.get(SHORT, scalePlace(tile, index)));
    }

    /// Writes `scale` there, and returns what is multiplied with to get codes.
    float writeScale(MemorySegment kv, long tile, int index, float scale) {
        short half = finiteHalf(scale);
        kv.set(SHORT, scalePlace(tile, index), half);
        float rounded = Float.float16ToFloat(half);
        return rounded == 0 ? 0 : 1 / rounded;
    }

    private long scalePlace(long tile, int index) {
        return tile + scalesOffset() + F16.place(0, index);
    }

    /// An infinite half becomes the largest finite one.
    private static short finiteHalf(float x) {
        short half = Float.floatToFloat16(x);
        return (short) ((half & 0x7fff) == 0x7c00 ? half - 1 : half);
    }
}
