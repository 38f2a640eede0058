package dev.trimtab.variant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.checkpoint.TestCheckpoints;
import dev.trimtab.checkpoint.vocabulary.KeptTokens;
import dev.trimtab.compress.Compression;
import dev.trimtab.compress.Decision;
import dev.trimtab.compress.Plan;
import dev.trimtab.compress.recipe.Recipe;
import dev.trimtab.error.BadConfiguration;
import dev.trimtab.kernel.ComputePool;
import dev.trimtab.kernel.Kernels;
import dev.trimtab.model.LoadListener;
import dev.trimtab.model.Model;
import dev.trimtab.model.ModelLoader;
import dev.trimtab.quality.SequenceRun;
import dev.trimtab.tokenizer.Tokenizer;
import dev.trimtab.tokenizer.Tokenizer.ControlTokens;
import dev.trimtab.tokenizer.Vocabulary;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The embedded model with a part of its vocabulary, beside the whole one.
class VocabularyRecipeTest {
    private static final Path DEMO = Path.of("src/main/resources/models/demo.gguf");
    private static final Model.Capacity CAPACITY = new Model.Capacity(64, 64);
    private static final String HALF = "prune: [{method: vocab, keep: 0.5}]";
    private static final String QUESTION = "What is the capital of Norway?";

    @TempDir
    private Path folder;

    private final ComputePool pool = new ComputePool(2);

    @AfterEach
    void close() {
        pool.close();
    }

    private LoadedModel load(Checkpoint checkpoint, String recipe, Optional<Path> lock) {
        var loader = new RecipeLoader(new ModelLoader.Packing(Kernels.best(pool)), pool, Optional.empty());
        var request = new RecipeLoader.Request(
                checkpoint, checkpoint, Recipe.parse("r.yaml", recipe), lock, ModelLoader.Options.EXACT, CAPACITY);
        return checkpoint.reading(() -> loader.load(request, LoadListener.NONE, Compression.Progress.NONE));
    }

    private LoadedModel load(Checkpoint checkpoint, String recipe) {
        return load(checkpoint, recipe, Optional.empty());
    }

    private static float[] logitsAfter(Model model, int... ids) {
        try (var run = new SequenceRun(model, ids.length)) {
            var logits = run.forward(ids, 0, ids.length, ids.length - 1);
            return Arrays.copyOf(logits.values(), logits.columns());
        }
    }

    private static String greedy(LoadedModel loaded, Tokenizer tokenizer, String question) {
        List<Integer> ids = new ArrayList<>();
        Arrays.stream(Prompts.question(loaded.metadata(), tokenizer, question)).forEach(ids::add);
        List<Integer> answer = new ArrayList<>();
        while (answer.size() < 24
                && (answer.isEmpty() || !tokenizer.vocabulary().isEndOfGeneration(answer.getLast()))) {
            float[] logits =
                    logitsAfter(loaded.model(), ids.stream().mapToInt(id -> id).toArray());
            int best = 0;
            for (int i = 0; i < logits.length; i++) {
                best = logits[i] > logits[best] ? i : best;
            }
            ids.add(best);
            answer.add(best);
        }
        return tokenizer.decode(answer.stream().mapToInt(id -> id).toArray());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "\nquantize: int8"})
    void givesTokensThatAreLeftTheSameLogits(String rest) {
        try (Checkpoint checkpoint = Checkpoint.open(DEMO);
                LoadedModel whole = load(checkpoint, "quantize: " + (rest.isEmpty() ? "keep" : "int8"));
                LoadedModel half = load(checkpoint, HALF + rest)) {
            Tokenizer tokenizer = Tokenizer.of(half.metadata());
            KeptTokens kept = half.keptTokens().orElseThrow();
            int[] ids = Prompts.question(half.metadata(), tokenizer, QUESTION);

            float[] found = logitsAfter(half.model(), ids);

            float[] expected = logitsAfter(
                    whole.model(), Arrays.stream(ids).map(kept::before).toArray());
            assertThat(found)
                    .hasSize(expected.length / 2)
                    .hasSize(tokenizer.vocabulary().size());
            for (int id = 0; id < found.length; id++) {
                assertThat(found[id]).as("logit %d", id).isEqualTo(expected[kept.before(id)]);
            }
            assertThat(half.model().weightBytes()).isLessThan(whole.model().weightBytes());
        }
    }

    /// Embedding and head lose the same rows; those of unused tokens go first.
    @Test
    void cutsAHeadOfItsOwn() {
        try (Checkpoint checkpoint =
                        TestCheckpoints.llama().vocabSize(320).untied().open();
                LoadedModel whole = load(checkpoint, "quantize: keep");
                LoadedModel part = load(checkpoint, "prune: [{method: vocab, keep: 271}]")) {
            int[] ids = {1, 70, 5, 269};
            float[] expected = logitsAfter(whole.model(), ids);

            assertThat(part.model().vocabSize()).isEqualTo(271);
            assertThat(logitsAfter(part.model(), ids)).isEqualTo(Arrays.copyOf(expected, 271));
        }
    }

    @Test
    void answersAsBefore() {
        try (Checkpoint checkpoint = Checkpoint.open(DEMO);
                LoadedModel whole = load(checkpoint, "quantize: keep");
                LoadedModel half = load(checkpoint, HALF)) {
            Tokenizer base = Tokenizer.of(checkpoint.metadata());
            Tokenizer tokenizer = Tokenizer.of(half.metadata());
            KeptTokens kept = half.keptTokens().orElseThrow();

            String expected = greedy(whole, base, QUESTION);

            assertThat(Arrays.stream(base.encode(expected, ControlTokens.AS_TEXT)))
                    .allMatch(kept::contains);
            assertThat(greedy(half, tokenizer, QUESTION)).isEqualTo(expected).contains("Oslo");
        }
    }

    @Test
    void keepsStructureAndWhatTheTemplateSpells() {
        try (Checkpoint checkpoint = Checkpoint.open(DEMO);
                LoadedModel small = load(checkpoint, "prune: [{method: vocab, coverage: 0}]")) {
            Tokenizer base = Tokenizer.of(checkpoint.metadata());
            Vocabulary whole = base.vocabulary();
            KeptTokens kept = small.keptTokens().orElseThrow();
            int[] frame = base.encode("<|im_start|>user\nx<|im_end|>\n<|im_start|>assistant\n", ControlTokens.PARSE);

            assertThat(Arrays.stream(frame)).allMatch(kept::contains);
            for (int id = 0; id < whole.size(); id++) {
                assertThat(kept.contains(id) || whole.kind(id) == Vocabulary.Kind.NORMAL)
                        .isTrue();
            }
            assertThat(kept.size()).isLessThan(whole.size() / 4);
            assertThat(Arrays.stream(Tokenizer.of(small.metadata()).vocabulary().endOfGeneration())
                            .map(kept::before))
                    .containsExactly(
                            Arrays.stream(whole.endOfGeneration()).boxed().toArray(Integer[]::new));
        }
    }

    @Test
    void countsTheCorpusThatItNames() throws Exception {
        Files.writeString(folder.resolve("words.txt"), "Oslo Bergen Oslo Trondheim ".repeat(3));
        Path file = Files.writeString(
                folder.resolve("recipe.yaml"), "prune: [{method: vocab, coverage: 1, keep_corpus: file:words.txt}]");
        var loader = new RecipeLoader(new ModelLoader.Packing(Kernels.best(pool)), pool, Optional.empty());
        try (Checkpoint checkpoint = Checkpoint.open(DEMO)) {
            var request = new RecipeLoader.Request(
                    checkpoint, Recipe.of(file.toString(), folder), ModelLoader.Options.EXACT, CAPACITY);
            Tokenizer base = Tokenizer.of(checkpoint.metadata());
            KeptTokens kept = checkpoint.reading(() -> loader.compressed(
                    request,
                    Compression.Progress.NONE,
                    made -> made.compression().keptTokens().orElseThrow()));

            assertThat(Arrays.stream(base.encode(" Oslo Bergen Trondheim", ControlTokens.AS_TEXT)))
                    .allMatch(kept::contains);
            assertThat(kept.size()).isLessThan(base.vocabulary().size() / 4);
        }
    }

    @Test
    void predictsTheBytes() {
        try (Checkpoint checkpoint = Checkpoint.open(DEMO);
                LoadedModel whole = load(checkpoint, "quantize: int8");
                LoadedModel half = load(checkpoint, HALF + "\nquantize: int8")) {
            Plan plan = Plan.of(Recipe.parse("r.yaml", HALF + "\nquantize: int8"), checkpoint);
            Decision embedding = plan.decision("token_embd.weight").orElseThrow();

            assertThat(embedding.becomes().rows()).isEqualTo(embedding.shape().rows() / 2);
            assertThat(whole.model().weightBytes() - half.model().weightBytes())
                    .isEqualTo(Plan.of(Recipe.parse("r.yaml", "quantize: int8"), checkpoint)
                                    .bytes()
                            - plan.bytes())
                    .isPositive();
            assertThat(Plan.of(Recipe.parse("r.yaml", "prune: [{method: vocab, coverage: 0.9}]"), checkpoint)
                            .decision("token_embd.weight")
                            .orElseThrow()
                            .becomes())
                    .isEqualTo(embedding.shape());
        }
    }

    @Test
    void takesWhatIsLockedAndCountsNothingAgain() throws Exception {
        Path text = Files.writeString(folder.resolve("words.txt"), "Oslo Bergen ");
        Path lock = folder.resolve("r.lock");
        Path file = Files.writeString(
                folder.resolve("recipe.yaml"), "prune: [{method: vocab, keep: 0.4, keep_corpus: file:words.txt}]");
        var loader = new RecipeLoader(new ModelLoader.Packing(Kernels.best(pool)), pool, Optional.empty());
        try (Checkpoint checkpoint = Checkpoint.open(DEMO)) {
            var request = new RecipeLoader.Request(
                            checkpoint, Recipe.of(file.toString(), folder), ModelLoader.Options.EXACT, CAPACITY)
                    .locked(Optional.of(lock));
            int[] first = kept(loader, request, checkpoint);
            Files.delete(text);

            assertThat(kept(loader, request, checkpoint)).isEqualTo(first);

            Files.delete(lock);
            assertThatThrownBy(() -> kept(loader, request, checkpoint)).hasMessageContaining("words.txt");
        }
    }

    private static int[] kept(RecipeLoader loader, RecipeLoader.Request request, Checkpoint checkpoint) {
        try (LoadedModel loaded =
                checkpoint.reading(() -> loader.load(request, LoadListener.NONE, Compression.Progress.NONE))) {
            return loaded.keptTokens().orElseThrow().ids();
        }
    }

    @Test
    void goesTogetherWithTheOtherStages() {
        String recipe = """
                prune:
                  - {method: vocab, keep: 0.5}
                  - {method: flap, targets: [ffn], ratio: 0.1, compensate: lsq}
                  - {method: layer_drop, layers: [3]}
                quantize: [{bits: 4, rounding: gptq}]
                compensate: [{method: eora, targets: [ffn, head], rank: 8}]
                """;
        try (Checkpoint checkpoint = Checkpoint.open(DEMO);
                LoadedModel loaded = load(checkpoint, recipe)) {
            Tokenizer tokenizer = Tokenizer.of(loaded.metadata());

            assertThat(loaded.model().vocabSize())
                    .isEqualTo(tokenizer.vocabulary().size());
            assertThat(tokenizer.decode(tokenizer.encode("Grüße, 漢字!", ControlTokens.AS_TEXT)))
                    .isEqualTo("Grüße, 漢字!");
        }
    }

    @Test
    void refusesWhatCannotBe() {
        Map<String, String> refusals = Map.of(
                "prune: [{method: vocab, keep: 20}]", "must stay",
                "statistics: {corpus: 'imatrix:x'}\nprune: [{method: vocab, keep: 0.5}]", "`keep_corpus` expected");
        try (Checkpoint checkpoint = Checkpoint.open(DEMO)) {
            refusals.forEach((recipe, message) -> assertThatThrownBy(() -> load(checkpoint, recipe))
                    .as(recipe)
                    .isInstanceOf(BadConfiguration.class)
                    .hasMessageContaining(message));
        }
    }
}
