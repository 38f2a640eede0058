package dev.trimtab.tensor;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// The encodings without blocks: one number an element. Integers and doubles are rounded to the nearest
/// float.
final class PlainValues {
    private PlainValues() {}

    static void f32(MemorySegment bytes, long at, float[] out, int to, int count) {
        MemorySegment.copy(bytes, LittleEndian.FLOAT, at, out, to, count);
    }

    static void f16(MemorySegment bytes, long at, float[] out, int to, int count) {
        for (int i = 0; i < count; i++) {
            out[to + i] = Float.float16ToFloat(bytes.get(LittleEndian.SHORT, at + 2L * i));
        }
    }

    static void bf16(MemorySegment bytes, long at, float[] out, int to, int count) {
        for (int i = 0; i < count; i++) {
            out[to + i] = Float.intBitsToFloat(bytes.get(LittleEndian.SHORT, at + 2L * i) << 16);
        }
    }

    static void f64(MemorySegment bytes, long at, float[] out, int to, int count) {
        for (int i = 0; i < count; i++) {
            out[to + i] = (float) bytes.get(LittleEndian.DOUBLE, at + 8L * i);
        }
    }

    static void i8(MemorySegment bytes, long at, float[] out, int to, int count) {
        for (int i = 0; i < count; i++) {
            out[to + i] = bytes.get(ValueLayout.JAVA_BYTE, at + i);
        }
    }

    static void u8(MemorySegment bytes, long at, float[] out, int to, int count) {
        for (int i = 0; i < count; i++) {
            out[to + i] = LittleEndian.u8(bytes, at + i);
        }
    }

    static void i16(MemorySegment bytes, long at, float[] out, int to, int count) {
        for (int i = 0; i < count; i++) {
            out[to + i] = bytes.get(LittleEndian.SHORT, at + 2L * i);
        }
    }

    static void i32(MemorySegment bytes, long at, float[] out, int to, int count) {
        for (int i = 0; i < count; i++) {
            out[to + i] = (float) bytes.get(LittleEndian.INT, at + 4L * i);
        }
    }

    static void i64(MemorySegment bytes, long at, float[] out, int to, int count) {
        for (int i = 0; i < count; i++) {
            out[to + i] = (float) bytes.get(LittleEndian.LONG, at + 8L * i);
        }
    }
}
