package dev.trimtab.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.trimtab.checkpoint.MetadataValue;
import dev.trimtab.checkpoint.ValueType;
import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.Unsupported;
import dev.trimtab.tokenizer.Tokenizer.ControlTokens;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class UnigramEncoderTest {
    private static final int NORMAL = 1;
    private static final int TRIE_SIZE = 66;

    @Test
    void choosesTheBestSumOfScores() {
        Tokenizer tokenizer = unigram()
                .token("▁", NORMAL, -1)
                .token("a", NORMAL, -2)
                .token("b", NORMAL, -2)
                .token("ab", NORMAL, -3)
                .token("ba", NORMAL, -2.5)
                .tokenizer();

        assertThat(tokenizer.encode("aba", ControlTokens.AS_TEXT)).containsExactly(3, 4, 7);
        assertThat(tokenizer.encode("ab", ControlTokens.AS_TEXT)).containsExactly(3, 6);
        assertThat(tokenizer.decode(3, 4, 7)).isEqualTo("aba");
    }

    @Test
    void endsPromptsWithEos() {
        Tokenizer tokenizer =
                unigram().token("▁", NORMAL, -1).token("a", NORMAL, -2).tokenizer();

        assertThat(tokenizer.encodePrompt("a", ControlTokens.AS_TEXT)).containsExactly(3, 4, 1);
    }

    @Test
    void hasOneUnknownTokenForARowOfUnknownCharacters() {
        Tokenizer tokenizer =
                unigram().token("▁", NORMAL, -1).token("a", NORMAL, -2).tokenizer();

        assertThat(tokenizer.encode("漢x a", ControlTokens.AS_TEXT)).containsExactly(3, 2, 3, 4);
    }

    @Test
    void spellsUnknownCharactersInBytesWhereItCan() {
        Tokenizer tokenizer = unigram().token("▁", NORMAL, -1).bytes().tokenizer();

        assertThat(tokenizer.encode("é", ControlTokens.AS_TEXT)).containsExactly(3, 4 + 0xC3, 4 + 0xA9);
    }

    @Test
    void mergesSpacesWhereTheFileSaysSo() {
        SmallVocabulary vocabulary = unigram().token("▁", NORMAL, -1).token("a", NORMAL, -2);

        assertThat(vocabulary.tokenizer().encode(" a  a ", ControlTokens.AS_TEXT))
                .containsExactly(3, 3, 4, 3, 3, 4, 3);
        vocabulary.with("remove_extra_whitespaces", new MetadataValue.Flag(true));
        assertThat(vocabulary.tokenizer().encode(" a  a ", ControlTokens.AS_TEXT))
                .containsExactly(3, 4, 3, 4);
        assertThat(vocabulary.tokenizer().encode("   ", ControlTokens.AS_TEXT)).isEmpty();
    }

    @Test
    void mapsCharactersBeforeItEncodes() {
        Tokenizer tokenizer = unigram()
                .token("▁", NORMAL, -1)
                .token("a", NORMAL, -2)
                .token("é", NORMAL, -2)
                .with("precompiled_charsmap", map("é\0"))
                .tokenizer();

        assertThat(tokenizer.encode("aAa", ControlTokens.AS_TEXT)).containsExactly(3, 4, 5, 4);
    }

    @Test
    void refusesMapsWhosePartsDoNotFit() {
        byte[] malformed = {2, 0, 0, 0, 1, 2};
        for (byte[] map :
                new byte[][] {{1, 2}, {8, 0, 0, 0, 1, 1, 1, 1}, {-1, -1, -1, -1}, {0, 0, 0, 0, -1}, malformed}) {
            SmallVocabulary vocabulary = unigram().token("▁", NORMAL, -1).with("precompiled_charsmap", bytes(map));

            assertThatExceptionOfType(BadCheckpoint.class)
                    .isThrownBy(vocabulary::tokenizer)
                    .withMessageStartingWith("small.gguf: metadata tokenizer.ggml.precompiled_charsmap");
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void survivesAnyTrie(long seed) {
        Random random = new Random(seed);
        for (int round = 0; round < 200; round++) {
            byte[] map = new byte[4 + 4 * TRIE_SIZE + 3];
            random.nextBytes(map);
            ByteBuffer.wrap(map).order(ByteOrder.LITTLE_ENDIAN).putInt(4 * TRIE_SIZE);
            System.arraycopy("é\0".getBytes(StandardCharsets.UTF_8), 0, map, map.length - 3, 3);
            Tokenizer tokenizer = unigram()
                    .token("▁", NORMAL, -1)
                    .bytes()
                    .with("precompiled_charsmap", bytes(map))
                    .tokenizer();

            assertThat(tokenizer.encode("aAbé漢" + RandomText.next(random), ControlTokens.AS_TEXT))
                    .isNotEmpty();
        }
    }

    @Test
    void refusesWhatItCannotDo() {
        assertThatExceptionOfType(Unsupported.class)
                .isThrownBy(() -> unigram()
                        .with("treat_whitespace_as_suffix", new MetadataValue.Flag(true))
                        .tokenizer());
        assertThatExceptionOfType(BadCheckpoint.class)
                .isThrownBy(() -> unigram().withId("unknown", -1).tokenizer());
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4})
    void findsABestSum(long seed) {
        Random random = new Random(seed);
        for (int round = 0; round < 100; round++) {
            Map<String, Integer> scores = new LinkedHashMap<>(Map.of("▁", -40, "a", -30, "b", -30));
            for (int i = 0; i < 8; i++) {
                scores.put(randomWord(random, 4), -random.nextInt(100));
            }
            SmallVocabulary small = unigram();
            scores.forEach((piece, score) -> small.token(piece, NORMAL, score));
            Tokenizer tokenizer = small.tokenizer();
            String text = randomWord(random, 12);

            int sum = 0;
            for (int id : tokenizer.encode(text, ControlTokens.AS_TEXT)) {
                sum += scores.getOrDefault(tokenizer.vocabulary().piece(id), Integer.MIN_VALUE);
            }
            assertThat(sum).isEqualTo(bestSum(scores, "▁" + text));
        }
    }

    private static int bestSum(Map<String, Integer> scores, String text) {
        int[] best = new int[text.length() + 1];
        for (int end = 1; end <= text.length(); end++) {
            best[end] = Integer.MIN_VALUE / 2;
            for (int start = 0; start < end; start++) {
                int score = scores.getOrDefault(text.substring(start, end), Integer.MIN_VALUE / 2);
                best[end] = Math.max(best[end], best[start] + score);
            }
        }
        return best[text.length()];
    }

    private static String randomWord(Random random, int lengthMax) {
        StringBuilder word = new StringBuilder();
        int length = 1 + random.nextInt(lengthMax);
        for (int i = 0; i < length; i++) {
            word.append("ab".charAt(random.nextInt(2)));
        }
        return word.toString();
    }

    private static SmallVocabulary unigram() {
        return SmallVocabulary.unigram();
    }

    /// A map from `A` to the first of `replacements`: the root's offset is 0, so that the unit of `A` is
    /// number 0x41; its offset is 1, so that the value is in unit 0x40.
    private static MetadataValue map(String replacements) {
        byte[] text = replacements.getBytes(StandardCharsets.UTF_8);
        ByteBuffer buffer = ByteBuffer.allocate(4 + 4 * TRIE_SIZE + text.length).order(ByteOrder.LITTLE_ENDIAN);
        buffer.putInt(4 * TRIE_SIZE);
        buffer.putInt(4 + 4 * 0x41, 0x41 | 1 << 8 | 1 << 10);
        buffer.put(4 + 4 * TRIE_SIZE, text);
        return bytes(buffer.array());
    }

    private static MetadataValue bytes(byte... values) {
        long[] wholes = new long[values.length];
        for (int i = 0; i < values.length; i++) {
            wholes[i] = values[i];
        }
        return new MetadataValue.Wholes(ValueType.INT8, wholes);
    }
}
