package dev.trimtab.tokenizer.text;

/// Decodes UTF-8 that arrives in pieces. Each maximal part that begins a well-formed sequence but is
/// none becomes one U+FFFD (Unicode 16, section 3.9, "substitution of maximal subparts"), whatever
/// the pieces.
public final class Utf8Decoder {
    private int codePoint;
    private int missing;
    /// The range of the next byte: narrower than 80..BF after E0, ED, F0 and F4.
    private int low;

    private int high;

    /// Takes `count` bytes from `start`, appending to `text` what they complete.
    public void accept(byte[] bytes, int start, int count, StringBuilder text) {
        for (int i = start; i < start + count; i++) {
            accept(bytes[i] & 0xFF, text);
        }
    }

    /// Ends the text: an unfinished sequence becomes U+FFFD.
    public void finish(StringBuilder text) {
        if (missing > 0) {
            missing = 0;
            text.append('\uFFFD');
        }
    }

    private void accept(int value, StringBuilder text) {
        if (missing > 0) {
            if (value >= low && value <= high) {
                codePoint = codePoint << 6 | (value & 0x3F);
                missing--;
                low = 0x80;
                high = 0xBF;
                if (missing == 0) {
                    text.appendCodePoint(codePoint);
                }
                return;
            }
            finish(text);
        }
        begin(value, text);
    }

    private void begin(int value, StringBuilder text) {
        low = 0x80;
        high = 0xBF;
        if (value < 0x80) {
            text.append((char) value);
        } else if (value >= 0xC2 && value <= 0xDF) {
            missing = 1;
            codePoint = value & 0x1F;
        } else if (value >= 0xE0 && value <= 0xEF) {
            missing = 2;
            codePoint = value & 0x0F;
            low = value == 0xE0 ? 0xA0 : 0x80;
            high = value == 0xED ? 0x9F : 0xBF;
        } else if (value >= 0xF0 && value <= 0xF4) {
            missing = 3;
            codePoint = value & 0x07;
            low = value == 0xF0 ? 0x90 : 0x80;
            high = value == 0xF4 ? 0x8F : 0xBF;
        } else {
            text.append('\uFFFD');
        }
    }
}
