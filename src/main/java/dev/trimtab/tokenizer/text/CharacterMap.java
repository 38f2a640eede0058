package dev.trimtab.tokenizer.text;

import dev.trimtab.checkpoint.Metadata;
import dev.trimtab.error.BadCheckpoint;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/// SentencePiece's normalizer (`tokenizer.ggml.precompiled_charsmap`): replaces the longest prefix it
/// knows, such as `ﬁ` by `fi`. The layout, little-endian:
///
/// 1. `u32`: size of the trie in bytes;
/// 2. the trie: a double array (darts-clone) of `u32` units. A unit has its label in bits 0-7 and 31,
///    in bit 8 whether a value follows, and its offset in bits 10-30, shifted by 8 more if bit 9 is set;
/// 3. the replacements, UTF-8, each closed by a zero byte. A value is a position among them.
///
/// The trie is not checked at load: a step that leaves it, or a value that is no place to begin, is no
/// match.
public final class CharacterMap {
    private static final String KEY = "tokenizer.ggml.precompiled_charsmap";

    /// A part of a text and what it becomes: `bytes` from `start` to before `end`. The text goes on at
    /// `next`.
    @SuppressWarnings("ArrayRecordComponent")
    public record Mapping(byte[] bytes, int start, int end, int next) {}

    private final int[] units;
    private final byte[] replacements;

    private CharacterMap(int[] units, byte[] replacements) {
        this.units = units;
        this.replacements = replacements;
    }

    /// The map of `metadata`, one that changes nothing where there is none.
    ///
    /// @throws BadCheckpoint when its parts do not fit, or its replacements are not UTF-8
    public static CharacterMap of(Metadata metadata) {
        if (!metadata.contains(KEY)) {
            return new CharacterMap(new int[0], new byte[0]);
        }
        long[] values = metadata.integers(KEY);
        byte[] bytes = new byte[values.length];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) values[i];
        }
        return of(metadata.source() + ": metadata " + KEY, bytes);
    }

    /// The map in `bytes`, which messages call `where`.
    ///
    /// @throws BadCheckpoint when its parts do not fit, or its replacements are not UTF-8
    public static CharacterMap of(String where, byte[] bytes) {
        ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        long trieSize = bytes.length < Integer.BYTES ? -1 : buffer.getInt() & 0xFFFF_FFFFL;
        if (trieSize < 0 || trieSize > buffer.remaining() || trieSize % Integer.BYTES != 0) {
            throw BadCheckpoint.mismatch(where, "a trie within " + bytes.length + " bytes", trieSize);
        }
        int[] units = new int[(int) trieSize / Integer.BYTES];
        buffer.asIntBuffer().get(units);
        byte[] replacements = Arrays.copyOfRange(bytes, Integer.BYTES + (int) trieSize, bytes.length);
        try {
            StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(replacements));
        } catch (CharacterCodingException e) {
            throw new BadCheckpoint(where + ": the replacements are not UTF-8", e);
        }
        return new CharacterMap(units, replacements);
    }

    /// What the text at `start` becomes: the replacement of the longest prefix, or its first character.
    public Mapping map(Utf8Text text, int start) {
        int value = -1;
        int next = start;
        int node = units.length == 0 ? -1 : offset(units[0]);
        for (int i = start; i < text.length() && node >= 0; i++) {
            int label = text.unsignedByte(i);
            node ^= label;
            if (label == 0 || node >= units.length || (units[node] & 0x8000_00FF) != label) {
                break;
            }
            boolean hasValue = (units[node] >>> 8 & 1) != 0;
            node ^= offset(units[node]);
            boolean whole = i + 1 == text.length() || !isContinuation(text.bytes()[i + 1]);
            if (hasValue && whole && node < units.length && isReplacement(units[node] & 0x7FFF_FFFF)) {
                value = units[node] & 0x7FFF_FFFF;
                next = i + 1;
            }
        }
        if (value < 0) {
            return new Mapping(text.bytes(), start, text.next(start), text.next(start));
        }
        int end = value;
        while (end < replacements.length && replacements[end] != 0) {
            end++;
        }
        return new Mapping(replacements, value, end, next);
    }

    private static int offset(int unit) {
        return unit >>> 10 << ((unit & 1 << 9) >>> 6);
    }

    /// Whether a replacement may begin at `position`: not within a character.
    private boolean isReplacement(int position) {
        return position < replacements.length && !isContinuation(replacements[position]);
    }

    private static boolean isContinuation(byte value) {
        return (value & 0xC0) == 0x80;
    }
}
