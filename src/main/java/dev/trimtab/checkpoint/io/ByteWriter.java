package dev.trimtab.checkpoint.io;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/// A growing buffer of little-endian bytes: the writing twin of [ByteReader].
public final class ByteWriter {
    private byte[] bytes = new byte[4096];
    private int size;

    public int size() {
        return size;
    }

    public byte[] toBytes() {
        return Arrays.copyOf(bytes, size);
    }

    /// The low `width` bytes of `value`, lowest first.
    public ByteWriter whole(long value, int width) {
        reserve(width);
        for (int i = 0; i < width; i++) {
            bytes[size++] = (byte) (value >>> (8 * i));
        }
        return this;
    }

    public ByteWriter int8(int value) {
        return whole(value, 1);
    }

    public ByteWriter int32(int value) {
        return whole(value, 4);
    }

    public ByteWriter int64(long value) {
        return whole(value, 8);
    }

    /// A u64 length and the UTF-8 bytes.
    public ByteWriter string(String text) {
        byte[] encoded = text.getBytes(StandardCharsets.UTF_8);
        int64(encoded.length);
        reserve(encoded.length);
        System.arraycopy(encoded, 0, bytes, size, encoded.length);
        size += encoded.length;
        return this;
    }

    /// Zeros up to the next multiple of `alignment`.
    public ByteWriter pad(int alignment) {
        return zeros(Math.floorMod(-size, alignment));
    }

    public ByteWriter zeros(int count) {
        reserve(count);
        size += count;
        return this;
    }

    private void reserve(int more) {
        int needed = Math.addExact(size, more);
        if (needed > bytes.length) {
            bytes = Arrays.copyOf(bytes, Math.max(needed, Math.multiplyExact(2, bytes.length)));
        }
    }
}
