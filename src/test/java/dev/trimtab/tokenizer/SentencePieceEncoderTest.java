package dev.trimtab.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trimtab.checkpoint.MetadataValue;
import dev.trimtab.tokenizer.Tokenizer.ControlTokens;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SentencePieceEncoderTest {
    private static final int NORMAL = 1;
    private static final int USER_DEFINED = 4;

    @Test
    void putsASpaceBeforeTheTextAndTakesItAwayAgain() {
        Tokenizer tokenizer = SmallVocabulary.sentencePiece()
                .token("▁", NORMAL, -9)
                .token("a", NORMAL, -9)
                .token("▁a", NORMAL, -1)
                .tokenizer();

        assertThat(tokenizer.encode("a a", ControlTokens.AS_TEXT)).containsExactly(5, 5);
        assertThat(tokenizer.encode("", ControlTokens.AS_TEXT)).isEmpty();
        assertThat(tokenizer.encodePrompt("a", ControlTokens.AS_TEXT)).containsExactly(1, 5);
        assertThat(tokenizer.decode(5, 5)).isEqualTo("a a");
        assertThat(tokenizer.decode(1, 5, 5)).isEqualTo("a a");
        assertThat(tokenizer.detokenizer().accept(5)).isEqualTo(" a");
    }

    @Test
    void putsNoSpaceWhereTheFileSaysSo() {
        Tokenizer tokenizer = SmallVocabulary.sentencePiece()
                .token("▁", NORMAL)
                .token("a", NORMAL)
                .with("add_space_prefix", new MetadataValue.Flag(false))
                .tokenizer();

        assertThat(tokenizer.encode("a", ControlTokens.AS_TEXT)).containsExactly(4);
        assertThat(tokenizer.decode(3, 4)).isEqualTo(" a");
    }

    @Test
    void putsASpaceAfterEverySpecialToken() {
        Tokenizer tokenizer = SmallVocabulary.sentencePiece()
                .token("▁", NORMAL)
                .token("a", NORMAL)
                .tokenizer();

        assertThat(tokenizer.encode("<s>a</s>a", ControlTokens.PARSE)).containsExactly(1, 3, 4, 2, 3, 4);
        assertThat(tokenizer.encode("<s>", ControlTokens.AS_TEXT)).doesNotContain(1);
    }

    @Test
    void spellsWhatNoTokenHoldsInBytes() {
        Tokenizer tokenizer =
                SmallVocabulary.sentencePiece().token("▁", NORMAL).bytes().tokenizer();

        assertThat(tokenizer.encode("é\n", ControlTokens.AS_TEXT)).containsExactly(3, 4 + 0xC3, 4 + 0xA9, 4 + 0x0A);
        assertThat(tokenizer.decode(3, 4 + 0xC3, 4 + 0xA9)).isEqualTo("é");
        assertThat(tokenizer.decode(3, 4 + 0xC3)).isEqualTo("\uFFFD");
    }

    @Test
    void hasOneUnknownTokenForARowOfCharactersWithoutBytes() {
        Tokenizer tokenizer = SmallVocabulary.sentencePiece()
                .token("▁", NORMAL)
                .token("a", NORMAL)
                .tokenizer();

        assertThat(tokenizer.encode("xyaz", ControlTokens.AS_TEXT)).containsExactly(3, 0, 4, 0);
    }

    @Test
    void mergesTowardsTheHigherScore() {
        Tokenizer tokenizer = SmallVocabulary.sentencePiece()
                .token("a", NORMAL)
                .token("b", NORMAL)
                .token("ab", NORMAL, -2)
                .token("ba", NORMAL, -1)
                .with("add_space_prefix", new MetadataValue.Flag(false))
                .tokenizer();

        assertThat(tokenizer.encode("aba", ControlTokens.AS_TEXT)).containsExactly(3, 6);
    }

    @Test
    void neverSpellsAControlTokenByMerging() {
        Tokenizer tokenizer = SmallVocabulary.sentencePiece()
                .token("<", NORMAL)
                .token("s", NORMAL)
                .token(">", NORMAL)
                .token("<s", NORMAL)
                .with("add_space_prefix", new MetadataValue.Flag(false))
                .tokenizer();

        assertThat(tokenizer.encode("<s>", ControlTokens.AS_TEXT)).containsExactly(6, 5);
    }

    @Test
    void findsUserDefinedTokensBeforeMerging() {
        Tokenizer tokenizer = SmallVocabulary.sentencePiece()
                .token("▁", NORMAL)
                .token("a", NORMAL)
                .token("b", NORMAL)
                .token("aa", NORMAL)
                .token("ab", USER_DEFINED)
                .tokenizer();

        assertThat(tokenizer.encode("aab", ControlTokens.AS_TEXT)).containsExactly(3, 4, 7);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6})
    void encodesAsTheDefinition(long seed) {
        Random random = new Random(seed);
        for (int round = 0; round < 60; round++) {
            Map<String, Integer> scores = randomScores(random);
            SmallVocabulary small = SmallVocabulary.sentencePiece().bytes();
            scores.forEach((piece, score) -> small.token(piece, NORMAL, score));
            Tokenizer tokenizer = small.tokenizer();
            for (int i = 0; i < 20; i++) {
                String text = randomWord(random, "ab é漢", 60);

                List<String> pieces = new ArrayList<>();
                for (int id : tokenizer.encode(text, ControlTokens.AS_TEXT)) {
                    pieces.add(tokenizer.vocabulary().piece(id));
                }
                assertThat(pieces).as("'%s' by %s", text, scores).isEqualTo(byDefinition(scores, text));
                assertThat(tokenizer.decode(tokenizer.encode(text, ControlTokens.AS_TEXT)))
                        .isEqualTo(text);
            }
        }
    }

    /// Tokens over few characters, some with a `▁` inside, not all characters among them, many scores
    /// equal.
    private static Map<String, Integer> randomScores(Random random) {
        Map<String, Integer> scores = new LinkedHashMap<>();
        scores.put("▁", -6);
        for (int i = 0; i < 25; i++) {
            String piece = randomWord(random, "ab▁é", 4);
            if (!piece.isEmpty()) {
                scores.put(piece, -random.nextInt(6));
            }
        }
        return scores;
    }

    private static String randomWord(Random random, String alphabet, int lengthMax) {
        StringBuilder word = new StringBuilder();
        int length = random.nextInt(lengthMax + 1);
        for (int i = 0; i < length; i++) {
            word.append(alphabet.charAt(random.nextInt(alphabet.length())));
        }
        return word.toString();
    }

    private static List<String> byDefinition(Map<String, Integer> scores, String text) {
        List<String> parts = new ArrayList<>();
        if (!text.isEmpty()) {
            ("▁" + text.replace(' ', '▁')).codePoints().forEach(each -> parts.add(Character.toString(each)));
        }
        while (true) {
            int best = -1;
            int bestScore = Integer.MIN_VALUE;
            for (int i = 0; i + 1 < parts.size(); i++) {
                int score = scores.getOrDefault(parts.get(i) + parts.get(i + 1), Integer.MIN_VALUE);
                if (score > bestScore) {
                    best = i;
                    bestScore = score;
                }
            }
            if (best < 0) {
                break;
            }
            parts.set(best, parts.get(best) + parts.remove(best + 1));
        }
        List<String> pieces = new ArrayList<>();
        for (String part : parts) {
            if (scores.containsKey(part)) {
                pieces.add(part);
            } else {
                for (byte value : part.getBytes(StandardCharsets.UTF_8)) {
                    pieces.add("<0x%02X>".formatted(value & 0xFF));
                }
            }
        }
        return pieces;
    }
}
