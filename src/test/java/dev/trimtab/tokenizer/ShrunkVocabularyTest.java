package dev.trimtab.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trimtab.SharedData;
import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.checkpoint.Metadata;
import dev.trimtab.checkpoint.MetadataValue;
import dev.trimtab.checkpoint.ValueType;
import dev.trimtab.checkpoint.vocabulary.KeptTokens;
import dev.trimtab.checkpoint.vocabulary.ShrunkVocabulary;
import dev.trimtab.error.BadConfiguration;
import dev.trimtab.tokenizer.Tokenizer.ControlTokens;
import java.io.ByteArrayOutputStream;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Vocabularies that lost tokens at random, beside the whole ones.
class ShrunkVocabularyTest {
    private static final Path DEMO = Path.of("src/main/resources/models/demo.gguf");
    private static final int TEXTS = 300;

    /// One vocabulary and a part of it.
    private record Pair(Tokenizer whole, Tokenizer part, KeptTokens kept) {
        /// Keeps `share` of the ordinary tokens, by chance.
        static Pair of(Metadata metadata, double share, long seed) {
            Tokenizer whole = Tokenizer.of(metadata);
            Random random = new Random(seed);
            BitSet chosen = whole.indispensable();
            chosen.or(ShrunkVocabulary.named(metadata));
            IntStream.range(0, whole.vocabulary().size())
                    .filter(_ -> random.nextDouble() < share)
                    .forEach(chosen::set);
            BitSet all = (BitSet) chosen.clone();
            chosen.stream().forEach(id -> all.or(whole.ancestors(id)));
            KeptTokens kept = new KeptTokens(all.stream().toArray());
            return new Pair(whole, Tokenizer.of(ShrunkVocabulary.of(metadata, kept)), kept);
        }

        void encodesAsBefore(String text, ControlTokens controls) {
            int[] before = whole.encode(text, controls);
            int[] after = part.encode(text, controls);
            if (Arrays.stream(before).allMatch(kept::contains)) {
                assertThat(after)
                        .as(text)
                        .isEqualTo(Arrays.stream(before).map(kept::after).toArray());
            }
            assertThat(part.decode(after)).as(text).isEqualTo(whole.decode(before));
        }

        void spellsTheSameBytes(int id) {
            var bytes = new ByteArrayOutputStream();
            for (int spelled : part.spell(whole.vocabulary().piece(id))) {
                bytes.writeBytes(part.vocabulary().bytes(spelled));
            }
            assertThat(bytes.toByteArray())
                    .as(whole.vocabulary().piece(id))
                    .isEqualTo(whole.vocabulary().bytes(id));
        }
    }

    private static Metadata metadata(Path path) {
        try (Checkpoint checkpoint = Checkpoint.open(path)) {
            return checkpoint.metadata();
        }
    }

    private static void check(Metadata metadata, double share, long seed) {
        Pair pair = Pair.of(metadata, share, seed);
        assertThat(pair.part().vocabulary().size()).isEqualTo(pair.kept().size());
        Random random = new Random(seed);
        for (int i = 0; i < TEXTS; i++) {
            String text = RandomText.next(random);
            pair.encodesAsBefore(text, ControlTokens.AS_TEXT);
            pair.encodesAsBefore(text, ControlTokens.PARSE);
        }
        Vocabulary whole = pair.whole().vocabulary();
        for (int id = 0; id < whole.size(); id++) {
            if (whole.kind(id) == Vocabulary.Kind.NORMAL) {
                pair.encodesAsBefore(pair.whole().decode(id), ControlTokens.AS_TEXT);
            }
            if (whole.kind(id) == Vocabulary.Kind.NORMAL && !pair.kept().contains(id)) {
                pair.spellsTheSameBytes(id);
            }
        }
        assertThat(pair.part().vocabulary().endOfGeneration())
                .isEqualTo(Arrays.stream(whole.endOfGeneration())
                        .map(pair.kept()::after)
                        .toArray());
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, 0.05, 0.3, 0.7})
    void encodesAsBeforeWhatIsLeftOfTheEmbeddedModels(double share) {
        check(metadata(DEMO), share, 1);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "models/demo/hf",
                "models/stories260K/stories260Ktok512.gguf",
                "models/TinyStories-656K",
                "models/TinyStories-656K/TinyStories-656K.F16.gguf"
            })
    void encodesAsBeforeWhatIsLeftOfOthers(String model) {
        Path path = SharedData.path(model);
        for (double share : new double[] {0, 0.1, 0.5}) {
            check(metadata(path), share, 2);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"ggml-vocab-llama-spm", "ggml-vocab-phi-3", "ggml-vocab-gpt-2", "ggml-vocab-deepseek-coder"})
    void encodesAsBeforeWhatIsLeftOfLargeOnes(String name) {
        Path path = SharedData.path("vectors/tokenizers/ggml-vocab/" + name + ".gguf");

        check(metadata(path), 0.3, 3);
    }

    /// Scores that are sums would be cut otherwise; characters without bytes are all that spells unknown words.
    @Test
    void encodesAsBeforeWhatIsLeftOfAUnigramModel() {
        SmallVocabulary vocabulary = SmallVocabulary.unigram();
        "\u2581thequickbrownfxjmpsvlazydg."
                .chars()
                .distinct()
                .forEach(letter -> vocabulary.token(Character.toString(letter), 1, -9));
        for (String word : List.of("\u2581the", "\u2581quick", "brown", "\u2581fox", "ox", "he", "qu", "lazy", "og.")) {
            vocabulary.token(word, 1, -3 - word.length() / 10.0);
        }
        vocabulary.token("zzz", 1, -20);

        check(new Metadata("unigram", vocabulary.values()), 0.4, 5);
    }

    private static Metadata with(Metadata metadata, String key, MetadataValue value) {
        Map<String, MetadataValue> values = new LinkedHashMap<>(metadata.values());
        values.put(key, value);
        return new Metadata(metadata.source(), values);
    }

    @Test
    void renamesWhatIsNamedByItsId() {
        Metadata named = with(
                with(metadata(DEMO), "tokenizer.ggml.fim_pre_token_id", new MetadataValue.Whole(ValueType.UINT32, 700)),
                "tokenizer.ggml.suppress_tokens",
                new MetadataValue.Wholes(ValueType.INT32, new long[] {500, 600}));
        Pair pair = Pair.of(named, 0, 4);

        Metadata shrunk = ShrunkVocabulary.of(named, pair.kept());

        int before = Math.toIntExact(named.integer("tokenizer.ggml.eos_token_id"));
        assertThat(shrunk.integer("tokenizer.ggml.eos_token_id"))
                .isEqualTo(pair.kept().after(before));
        assertThat(pair.kept().before((int) shrunk.integer("tokenizer.ggml.fim_pre_token_id")))
                .isEqualTo(700);
        assertThat(Arrays.stream(shrunk.integers("tokenizer.ggml.suppress_tokens"))
                        .map(id -> pair.kept().before((int) id)))
                .containsExactly(500L, 600L);
        assertThat(shrunk.strings("tokenizer.ggml.tokens")).hasSize(pair.kept().size());
    }

    @Test
    void refusesToLoseWhatIsNamedAndToKeepWhatThereIsNot() {
        Metadata metadata = metadata(DEMO);
        int size = Tokenizer.of(metadata).vocabulary().size();

        assertThatThrownBy(() -> ShrunkVocabulary.of(metadata, new KeptTokens(300, 301)))
                .isInstanceOf(BadConfiguration.class)
                .hasMessageContaining("which its metadata names");
        assertThatThrownBy(() -> ShrunkVocabulary.of(
                        metadata, new KeptTokens(IntStream.rangeClosed(0, size).toArray())))
                .isInstanceOf(BadConfiguration.class)
                .hasMessageContaining("keeps number " + size);
        for (int[] ids : List.of(new int[0], new int[] {1, 1}, new int[] {-1})) {
            assertThatThrownBy(() -> new KeptTokens(ids)).isInstanceOf(BadConfiguration.class);
        }
    }
}
