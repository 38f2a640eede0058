package dev.trimtab.checkpoint.io;

import dev.trimtab.error.BadCheckpoint;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/// A cursor over little-endian bytes that never leaves them: every read first asks whether the bytes are
/// there, and every claimed length is compared with what remains before anything is allocated for it.
///
/// `what`, given to each read, names the field in the [BadCheckpoint] that a short file earns.
public final class ByteReader {
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /// Names come from the file and may be long; a message shows so much of them.
    private static final int SHOWN_MAX = 200;

    private final String source;
    private final MemorySegment bytes;
    private long position;

    /// Starts at the first of `bytes`; `source` names the file in messages.
    public ByteReader(String source, MemorySegment bytes) {
        this.source = source;
        this.bytes = bytes;
    }

    public String source() {
        return source;
    }

    /// Offset of the next byte.
    public long position() {
        return position;
    }

    /// Bytes from here to the end.
    public long remaining() {
        return bytes.byteSize() - position;
    }

    public byte int8(String what) {
        return bytes.get(ValueLayout.JAVA_BYTE, advance(1, what));
    }

    public short int16(String what) {
        return bytes.get(SHORT, advance(2, what));
    }

    public int int32(String what) {
        return bytes.get(INT, advance(4, what));
    }

    public long int64(String what) {
        return bytes.get(LONG, advance(8, what));
    }

    /// A view of the next `size` bytes.
    public MemorySegment bytes(String what, long size) {
        return bytes.asSlice(advance(size, what), size);
    }

    /// A count or length: u64 in the file, refused above `max`.
    ///
    /// A count must also be possible: `count` items of at least `itemBytes` each must fit in what remains.
    public int count(String what, long max, long itemBytes) {
        long count = int64(what);
        if (count < 0 || count > max) {
            throw mismatch(what, "at most " + max, Long.toUnsignedString(count));
        }
        if (count > remaining() / itemBytes) {
            throw mismatch(what, "at most the " + remaining() + " bytes left", count + " of " + itemBytes + " bytes");
        }
        return Math.toIntExact(count);
    }

    /// A string whose bytes must be UTF-8: names and keys, which are compared.
    public String strictString(String what, int maxBytes) {
        ByteBuffer encoded = ByteBuffer.wrap(stringBytes(what, maxBytes));
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(encoded).toString();
        } catch (CharacterCodingException e) {
            throw new BadCheckpoint(source + ": " + what + ": expected UTF-8, found other bytes", e);
        }
    }

    /// A string in which bytes that are not UTF-8 become U+FFFD: values, which files hold in odd encodings.
    public String lenientString(String what, int maxBytes) {
        return new String(stringBytes(what, maxBytes), StandardCharsets.UTF_8);
    }

    public BadCheckpoint mismatch(String what, Object expected, Object found) {
        String shown = what.length() <= SHOWN_MAX ? what : what.substring(0, SHOWN_MAX) + "...";
        return BadCheckpoint.mismatch(source + ": " + shown, expected, found);
    }

    private byte[] stringBytes(String what, int maxBytes) {
        int length = count(what + " length", maxBytes, 1);
        return bytes.asSlice(advance(length, what), length).toArray(ValueLayout.JAVA_BYTE);
    }

    private long advance(long size, String what) {
        if (size < 0 || size > remaining()) {
            throw mismatch(what, size + " bytes at offset " + position, remaining() + " before the end");
        }
        long start = position;
        position += size;
        return start;
    }
}
