package dev.trimtab.tokenizer.text;

/// A text as the UTF-8 bytes that byte-level tokens are made of, each with the kind of the code point
/// it belongs to ([CharacterKind#number()]), so that a run of one kind is a run of bytes.
///
/// Always well-formed: an unpaired surrogate becomes U+FFFD.
public final class Utf8Text {
    private final byte[] bytes;
    private final byte[] kinds;
    private final int length;

    private Utf8Text(byte[] bytes, byte[] kinds, int length) {
        this.bytes = bytes;
        this.kinds = kinds;
        this.length = length;
    }

    /// The characters of `text` from `start` to before `end`. At most three bytes a `char`.
    public static Utf8Text of(String text, int start, int end) {
        int ascii = start;
        while (ascii < end && text.charAt(ascii) < 0x80) {
            ascii++;
        }
        int capacity = Math.addExact(ascii - start, Math.multiplyExact(3, end - ascii));
        byte[] bytes = new byte[capacity];
        byte[] kinds = new byte[capacity];
        int length = 0;
        for (int i = start; i < end; ) {
            int codePoint = wellFormedCodePointAt(text, i, end);
            i += Character.charCount(codePoint);
            int next = put(bytes, length, codePoint);
            byte kind = CharacterKind.numberOf(codePoint);
            while (length < next) {
                kinds[length++] = kind;
            }
        }
        return new Utf8Text(bytes, kinds, length);
    }

    /// The code point at `index`, U+FFFD for a surrogate without its other half before `end`.
    public static int wellFormedCodePointAt(String text, int index, int end) {
        char first = text.charAt(index);
        if (!Character.isSurrogate(first)) {
            return first;
        }
        if (Character.isHighSurrogate(first) && index + 1 < end && Character.isLowSurrogate(text.charAt(index + 1))) {
            return Character.toCodePoint(first, text.charAt(index + 1));
        }
        return 0xFFFD;
    }

    /// Writes `codePoint` at `position` of `bytes` and answers the position after it.
    public static int put(byte[] bytes, int position, int codePoint) {
        int at = position;
        if (codePoint < 0x80) {
            bytes[at++] = (byte) codePoint;
            return at;
        }
        if (codePoint < 0x800) {
            bytes[at++] = (byte) (0xC0 | codePoint >> 6);
        } else {
            if (codePoint < 0x10000) {
                bytes[at++] = (byte) (0xE0 | codePoint >> 12);
            } else {
                bytes[at++] = (byte) (0xF0 | codePoint >> 18);
                bytes[at++] = (byte) (0x80 | (codePoint >> 12 & 0x3F));
            }
            bytes[at++] = (byte) (0x80 | (codePoint >> 6 & 0x3F));
        }
        bytes[at++] = (byte) (0x80 | (codePoint & 0x3F));
        return at;
    }

    public int length() {
        return length;
    }

    /// The bytes, of which the first [#length()] count. Not a copy.
    public byte[] bytes() {
        return bytes;
    }

    byte kind(int position) {
        return kinds[position];
    }

    public int unsignedByte(int position) {
        return bytes[position] & 0xFF;
    }

    /// Where the code point that begins at `position` ends.
    public int next(int position) {
        return position + length(bytes[position]);
    }

    /// How many bytes the character has whose first byte is `first`.
    public static int length(byte first) {
        if (first >= 0) {
            return 1;
        }
        return (first & 0xE0) == 0xC0 ? 2 : (first & 0xF0) == 0xE0 ? 3 : 4;
    }

    /// The code point that begins at `position`.
    int codePoint(int position) {
        int first = bytes[position];
        if (first >= 0) {
            return first;
        }
        int last = next(position) - 1;
        int codePoint = first & (0x3F >> (last - position));
        for (int i = position + 1; i <= last; i++) {
            codePoint = codePoint << 6 | (bytes[i] & 0x3F);
        }
        return codePoint;
    }
}
