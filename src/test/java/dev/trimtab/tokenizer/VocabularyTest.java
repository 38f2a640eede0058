package dev.trimtab.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.trimtab.checkpoint.MetadataValue;
import dev.trimtab.checkpoint.ValueType;
import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.Unsupported;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class VocabularyTest {
    private static final int NORMAL = 1;
    private static final int CONTROL = 3;
    private static final int USER_DEFINED = 4;
    private static final int UNUSED = 5;
    private static final int BYTE = 6;

    static Stream<Arguments> contradictions() {
        return Stream.of(
                Arguments.of("byteLevel", "tokens", texts()),
                Arguments.of("byteLevel", "tokens", new MetadataValue.Text("a")),
                Arguments.of("byteLevel", "tokens", texts("a".repeat(5000))),
                Arguments.of("byteLevel", "token_type", wholes(1)),
                Arguments.of("byteLevel", "bos_token_id", whole(256)),
                Arguments.of("byteLevel", "eos_token_id", whole(-2)),
                Arguments.of("byteLevel", "unknown_token_id", whole(1L << 40)),
                Arguments.of("byteLevel", "add_bos_token", new MetadataValue.Flag(true)),
                Arguments.of("byteLevel", "add_eos_token", new MetadataValue.Flag(true)),
                Arguments.of("byteLevel", "add_bos_token", whole(1)),
                Arguments.of("byteLevel", "merges", texts("a b")),
                Arguments.of("byteLevel", "merges", texts("ab")),
                Arguments.of("byteLevel", "merges", texts("")),
                Arguments.of("byteLevel", "merges", texts(" ")),
                Arguments.of("byteLevel", "merges", texts("a no")),
                Arguments.of("byteLevel", "merges", whole(1)),
                Arguments.of("sentencePiece", "token_type", wholes(2, 3, 7)),
                Arguments.of("sentencePiece", "token_type", wholes(2, 3, -1)),
                Arguments.of("sentencePiece", "token_type", wholes(2, 3, BYTE)),
                Arguments.of("sentencePiece", "scores", reals(0, 0)),
                Arguments.of("sentencePiece", "scores", reals(0, 0, Double.NaN)),
                Arguments.of("sentencePiece", "tokens", texts("<unk>", "same", "same")));
    }

    @ParameterizedTest
    @MethodSource("contradictions")
    void refusesMetadataThatContradictsItself(String model, String key, MetadataValue value) {
        SmallVocabulary vocabulary =
                model.equals("byteLevel") ? SmallVocabulary.byteLevel("gpt-2") : SmallVocabulary.sentencePiece();

        assertThatExceptionOfType(BadCheckpoint.class)
                .isThrownBy(() -> vocabulary.with(key, value).tokenizer())
                .withMessageStartingWith("small.gguf: metadata tokenizer.ggml.");
    }

    @Test
    void namesTheTokenizerItDoesNotKnow() {
        assertThatExceptionOfType(Unsupported.class)
                .isThrownBy(() -> SmallVocabulary.byteLevel("gpt-2")
                        .with("model", new MetadataValue.Text("rwkv"))
                        .tokenizer())
                .withMessage("small.gguf: tokenizer model 'rwkv' is not supported");
        assertThatExceptionOfType(Unsupported.class)
                .isThrownBy(() -> SmallVocabulary.byteLevel("gpt-99").tokenizer())
                .withMessage("small.gguf: pre-tokenizer 'gpt-99' is not supported");
    }

    @ParameterizedTest
    @ValueSource(longs = {-1, 0xFFFF_FFFFL})
    void takesTheFilesWordForNoToken(long id) {
        Vocabulary vocabulary = SmallVocabulary.sentencePiece()
                .withId("bos", id)
                .withId("padding", id)
                .tokenizer()
                .vocabulary();

        assertThat(vocabulary.bos()).isEmpty();
        assertThat(vocabulary.padding()).isEmpty();
        assertThat(vocabulary.addsBos()).isFalse();
    }

    @Test
    void knowsSentencePiecesUsualIds() {
        Vocabulary vocabulary = SmallVocabulary.sentencePiece().tokenizer().vocabulary();

        assertThat(vocabulary.unknown()).hasValue(0);
        assertThat(vocabulary.bos()).hasValue(1);
        assertThat(vocabulary.eos()).hasValue(2);
        assertThat(vocabulary.addsBos()).isTrue();
        assertThat(vocabulary.addsEos()).isFalse();
    }

    @Test
    void hasNoBosOrEosInByteLevelVocabulariesThatNameNone() {
        Vocabulary vocabulary =
                SmallVocabulary.byteLevel("llama-bpe").tokenizer().vocabulary();

        assertThat(vocabulary.bos()).isEmpty();
        assertThat(vocabulary.eos()).isEmpty();
        assertThat(vocabulary.addsBos()).isFalse();
        assertThat(vocabulary.endOfGeneration()).isEmpty();
    }

    @Test
    void stopsAtEveryTokenThatEndsATurn() {
        Vocabulary vocabulary = SmallVocabulary.byteLevel("qwen2")
                .token("<|endoftext|>", CONTROL)
                .token("<|im_start|>", CONTROL)
                .token("<|im_end|>", USER_DEFINED)
                .token("<stop>", CONTROL)
                .token("</s>", NORMAL)
                .withId("eos", 259)
                .tokenizer()
                .vocabulary();

        assertThat(vocabulary.endOfGeneration()).containsExactly(256, 258, 259);
        assertThat(vocabulary.isEndOfGeneration(258)).isTrue();
        assertThat(vocabulary.isEndOfGeneration(257)).isFalse();
        assertThat(vocabulary.eot()).hasValue(258);
        assertThat(vocabulary.isControl(258)).isTrue();
        assertThat(vocabulary.isControl(260)).isFalse();
    }

    @Test
    void doesNotStopWhereAFormatEndsAMessageWithinATurn() {
        Vocabulary vocabulary = SmallVocabulary.byteLevel("gpt-4o")
                .token("<|end|>", CONTROL)
                .token("<|return|>", CONTROL)
                .token("<|call|>", CONTROL)
                .tokenizer()
                .vocabulary();

        assertThat(vocabulary.endOfGeneration()).containsExactly(257, 258);
    }

    @Test
    void rendersEachKindOfToken() {
        Vocabulary vocabulary = SmallVocabulary.sentencePiece()
                .token("▁a▁", NORMAL)
                .token("▁u", USER_DEFINED)
                .token("<0xE2>", BYTE)
                .token("x", UNUSED)
                .token("", NORMAL)
                .tokenizer()
                .vocabulary();

        assertThat(vocabulary.bytes(0)).isEmpty();
        assertThat(vocabulary.bytes(1)).isEmpty();
        assertThat(vocabulary.bytes(3)).asString().isEqualTo(" a ");
        assertThat(vocabulary.bytes(4)).asString().isEqualTo("▁u");
        assertThat(vocabulary.bytes(5)).containsExactly(0xE2);
        assertThat(vocabulary.bytes(6)).isEmpty();
        assertThat(vocabulary.bytes(7)).isEmpty();
        assertThat(vocabulary.piece(1)).isEqualTo("<s>");
        assertThat(vocabulary.kind(6)).isEqualTo(Vocabulary.Kind.UNUSED);
        assertThat(vocabulary.size()).isEqualTo(8);
    }

    @Test
    void rendersByteLevelTokensThatAreNotOfTheAlphabetLiterally() {
        Vocabulary vocabulary = SmallVocabulary.byteLevel("gpt-2")
                .token("Ġé", NORMAL)
                .token("a 漢", NORMAL)
                .tokenizer()
                .vocabulary();

        assertThat(vocabulary.bytes(256)).containsExactly(' ', 0xE9);
        assertThat(vocabulary.bytes(257)).asString().isEqualTo("a 漢");
    }

    private static MetadataValue texts(String... texts) {
        return new MetadataValue.Texts(List.of(texts));
    }

    private static MetadataValue whole(long value) {
        return new MetadataValue.Whole(ValueType.INT64, value);
    }

    private static MetadataValue wholes(long... values) {
        return new MetadataValue.Wholes(ValueType.INT32, values);
    }

    private static MetadataValue reals(double... values) {
        return new MetadataValue.Reals(ValueType.FLOAT32, values);
    }
}
