package dev.trimtab.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.checkpoint.MetadataValue;
import dev.trimtab.tokenizer.Tokenizer.ControlTokens;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The tokenizer of the embedded demo model, and small vocabularies for what that one lacks.
class TokenizerTest {
    private static final Path DEMO_FILE = Path.of("src", "main", "resources", "models", "demo.gguf");
    private static final Path ENCODINGS = Path.of("src", "test", "resources", "tokenizer", "demo-encodings.jsonl");
    private static final int CONTROL = 3;
    private static final int USER_DEFINED = 4;

    private static final Tokenizer DEMO = demo();

    private static Tokenizer demo() {
        try (Checkpoint checkpoint = Checkpoint.open(DEMO_FILE)) {
            return Tokenizer.of(checkpoint.metadata());
        }
    }

    @Test
    void encodesAsTheReference() throws IOException {
        ObjectMapper mapper = new ObjectMapper();
        for (String line : Vocabularies.text(ENCODINGS).lines().toList()) {
            JsonNode each = mapper.readTree(line);
            JsonNode ids = each.get("ids");
            String text = each.get("text").asText();

            assertThat(DEMO.encode(text, ControlTokens.PARSE))
                    .as("ids of '%s'", text)
                    .containsExactly(IntStream.range(0, ids.size())
                            .map(i -> ids.get(i).asInt())
                            .toArray());
        }
    }

    @Test
    void encodesControlTokensOnlyWhereAskedTo() {
        String turn = "<|im_start|>user\nHi<|im_end|>";

        int[] parsed = DEMO.encode(turn, ControlTokens.PARSE);
        int[] asText = DEMO.encode(turn, ControlTokens.AS_TEXT);

        assertThat(parsed[0]).isEqualTo(2556);
        assertThat(parsed[parsed.length - 1]).isEqualTo(2557);
        assertThat(asText).doesNotContain(2555, 2556, 2557);
        assertThat(DEMO.decode(asText)).isEqualTo(turn);
        assertThat(DEMO.decode(parsed)).isEqualTo("user\nHi");
    }

    @Test
    void encodesUserDefinedTokensAlways() {
        assertThat(DEMO.encode("<tool_call>", ControlTokens.AS_TEXT)).containsExactly(2558);
        assertThat(DEMO.decode(2558)).isEqualTo("<tool_call>");
    }

    @Test
    void takesTheLongestSpecialTokenAtTheLeftmostPlace() {
        Tokenizer tokenizer = SmallVocabulary.byteLevel("gpt-2")
                .token("<a", USER_DEFINED)
                .token("<ab>", USER_DEFINED)
                .token("ab>c", USER_DEFINED)
                .tokenizer();

        assertThat(tokenizer.encode("<ab>c<ax", ControlTokens.AS_TEXT)).containsExactly(257, 'c', 256, 'x');
    }

    @Test
    void addsBosAndEosToPromptsOnce() {
        Tokenizer tokenizer = SmallVocabulary.byteLevel("gpt-2")
                .token("<s>", CONTROL)
                .token("</s>", CONTROL)
                .withId("bos", 256)
                .withId("eos", 257)
                .with("add_bos_token", new MetadataValue.Flag(true))
                .with("add_eos_token", new MetadataValue.Flag(true))
                .tokenizer();
        int a = tokenizer.encode("a", ControlTokens.PARSE)[0];

        assertThat(tokenizer.encode("", ControlTokens.PARSE)).isEmpty();
        assertThat(tokenizer.encodePrompt("", ControlTokens.PARSE)).containsExactly(256, 257);
        assertThat(tokenizer.encodePrompt("a", ControlTokens.PARSE)).containsExactly(256, a, 257);
        assertThat(tokenizer.encodePrompt("<s>a</s>", ControlTokens.PARSE)).containsExactly(256, a, 257);
        assertThat(tokenizer.encodePrompt("<s>a", ControlTokens.AS_TEXT)).hasSize(6);
    }

    @Test
    void swallowsTheSpaceThatPhi3ClaimsForItsTokens() {
        SmallVocabulary vocabulary = SmallVocabulary.byteLevel("gpt-2")
                .token("<|assistant|>", CONTROL)
                .token("<|user|>", CONTROL);

        assertThat(vocabulary.tokenizer("llama").encode("<|assistant|>\n a", ControlTokens.PARSE))
                .containsExactly(256, '\n', ' ', 'a');
        assertThat(vocabulary.tokenizer("phi3").encode("<|assistant|>\n a", ControlTokens.PARSE))
                .containsExactly(256, 'a');
        assertThat(vocabulary.tokenizer("phi3").encode("<|user|>\na<|assistant|>\n", ControlTokens.PARSE))
                .containsExactly(257, '\n', 'a', 256);
    }

    @Test
    void prefersWholeWordsWhereThePreTokenizerSaysSo() {
        SmallVocabulary ranked =
                SmallVocabulary.byteLevel("qwen2").merge("b", "c").token("abc", 1);
        SmallVocabulary whole =
                SmallVocabulary.byteLevel("llama-bpe").merge("b", "c").token("abc", 1);

        assertThat(ranked.tokenizer().encode("abc", ControlTokens.AS_TEXT)).containsExactly('a', 256);
        assertThat(whole.tokenizer().encode("abc", ControlTokens.AS_TEXT)).containsExactly(257);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4})
    void decodesWhatItEncoded(long seed) {
        Random random = new Random(seed);
        for (int i = 0; i < 1000; i++) {
            String text = RandomText.next(random);
            ControlTokens controlTokens = ControlTokens.AS_TEXT;

            assertThat(DEMO.decode(DEMO.encode(text, controlTokens))).isEqualTo(RandomText.wellFormed(text));
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4})
    void streamsWhatItDecodesAtOnce(long seed) {
        Random random = new Random(seed);
        for (int i = 0; i < 500; i++) {
            int[] ids =
                    random.ints(random.nextInt(40), 0, DEMO.vocabulary().size()).toArray();
            Detokenizer detokenizer = DEMO.detokenizer();
            StringBuilder text = new StringBuilder();
            for (int id : ids) {
                String piece = detokenizer.accept(id);
                assertThat(piece.isEmpty() || !Character.isHighSurrogate(piece.charAt(piece.length() - 1)))
                        .isTrue();
                text.append(piece);
            }
            text.append(detokenizer.finish());

            assertThat(text).hasToString(DEMO.decode(ids));
        }
    }

    @Test
    void holdsBackAnUnfinishedCharacter() {
        int[] ids = DEMO.encode("€", ControlTokens.AS_TEXT);
        Detokenizer detokenizer = DEMO.detokenizer();

        assertThat(ids).hasSizeGreaterThan(1);
        for (int id : Arrays.copyOf(ids, ids.length - 1)) {
            assertThat(detokenizer.accept(id)).isEmpty();
        }
        assertThat(detokenizer.accept(ids[ids.length - 1])).isEqualTo("€");
        assertThat(detokenizer.finish()).isEmpty();
    }

    @Test
    void endsAnUnfinishedCharacterAsReplacement() {
        int[] ids = DEMO.encode("€", ControlTokens.AS_TEXT);
        Detokenizer detokenizer = DEMO.detokenizer();

        String piece = detokenizer.accept(ids[0]);

        assertThat(piece).isEmpty();
        assertThat(detokenizer.finish()).isEqualTo("\uFFFD");
        assertThat(detokenizer.finish()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"a", " ", "\n", "'", "<", "<|im_start|", "漢", "\ud83d", "a\u0301 1'S"})
    void encodesAMegabyteOfOneThing(String part) {
        String text = part.repeat((1 << 20) / part.length());

        int[] ids = DEMO.encode(text, ControlTokens.PARSE);

        assertThat(DEMO.decode(ids)).isEqualTo(RandomText.wellFormed(text));
    }
}
