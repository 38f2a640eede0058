package dev.trimtab.tokenizer.text;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/// The printable characters that stand for bytes in the pieces of byte-level vocabularies (GPT-2,
/// `bytes_to_unicode`): `!` to `~`, `¡` to `¬` and `®` to `ÿ` for themselves, and U+0100 onwards for
/// the remaining bytes in order. A space is `Ġ`, a newline `Ċ`.
public final class ByteAlphabet {
    private static final char[] CHARACTERS = new char[256];
    private static final short[] BYTES = new short[0x144];

    static {
        Arrays.fill(BYTES, (short) -1);
        char next = 0x100;
        for (int value = 0; value < 256; value++) {
            boolean printable = (value >= '!' && value <= '~') || (value >= 0xA1 && value != 0xAD);
            char character = printable ? (char) value : next++;
            CHARACTERS[value] = character;
            BYTES[character] = (short) value;
        }
    }

    private ByteAlphabet() {}

    /// The piece of the single byte `value`.
    public static String piece(int value) {
        return String.valueOf(CHARACTERS[value]);
    }

    /// The bytes of `text` in this alphabet, a character each.
    public static String spell(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        char[] spelled = new char[bytes.length];
        for (int i = 0; i < bytes.length; i++) {
            spelled[i] = CHARACTERS[bytes[i] & 0xFF];
        }
        return new String(spelled);
    }

    /// Whether `piece` is written in this alphabet alone.
    public static boolean spells(String piece) {
        for (int i = 0; i < piece.length(); i++) {
            if (piece.charAt(i) >= BYTES.length || BYTES[piece.charAt(i)] < 0) {
                return false;
            }
        }
        return true;
    }

    /// The bytes that `piece` stands for; one that is not of this alphabet stands for itself, as added
    /// tokens do in some vocabularies.
    public static byte[] bytes(String piece) {
        if (!spells(piece)) {
            return piece.getBytes(StandardCharsets.UTF_8);
        }
        byte[] bytes = new byte[piece.length()];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) BYTES[piece.charAt(i)];
        }
        return bytes;
    }
}
