package dev.trimtab.variant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.checkpoint.TestCheckpoints;
import dev.trimtab.compress.recipe.Recipe;
import dev.trimtab.error.BadConfiguration;
import dev.trimtab.kernel.Activations;
import dev.trimtab.kernel.ComputePool;
import dev.trimtab.kernel.Kernels;
import dev.trimtab.model.LoadListener;
import dev.trimtab.model.Model;
import dev.trimtab.model.ModelLoader;
import dev.trimtab.quality.SequenceRun;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// What a restart finds again: costly forms in the cache, and what a recipe came to in its lock.
class RecipeRestartTest {
    private static final Path DEMO = Path.of("src/main/resources/models/demo.gguf");
    private static final Model.Capacity CAPACITY = new Model.Capacity(32, 32);

    /// Codes that need covariances in one layer, a correction in another.
    private static final String COSTLY = """
            quantize:
              - {scheme: int8}
              - {layers: 0, targets: [attn], scheme: int4, rounding: gptq}
              - {layers: 1, targets: [ffn], scheme: int3, rounding: importance}
            compensate: [{layers: 1, targets: [ffn], method: l2qer, rank: 8}]
            statistics: {corpus: "file:text.txt", tokens: 256}
            """;

    /// Neurons are scored, and what they gave is made up for.
    private static final String PRUNED = """
            prune: [{targets: [ffn], method: flap, ratio: 0.25, align: 32, compensate: lsq}]
            quantize: int8
            statistics: {corpus: "file:text.txt", tokens: 256}
            """;

    /// Norms take up what scaled columns lose, and corrections share a budget: forms that hang on others.
    private static final String TOGETHER = """
            quantize:
              - {scheme: int8}
              - {layers: 0, targets: [attn, ffn], scheme: int4, rounding: awq}
            compensate: [{layers: 1, targets: [ffn], method: l2qer, rank: 16, budget_mb: 1}]
            statistics: {corpus: "file:text.txt", tokens: 256}
            """;

    @TempDir
    private Path folder;

    private final ComputePool pool = new ComputePool(2);
    private final Set<String> made = new HashSet<>();
    private Path text = Path.of("");

    @BeforeEach
    void writeText() throws IOException {
        text = Files.writeString(
                folder.resolve("text.txt"),
                "The capital of Norway is Oslo. It has a harbour, and some rain. ".repeat(40));
    }

    @AfterEach
    void close() {
        pool.close();
    }

    private Recipe recipe(String yaml) throws IOException {
        return Recipe.of(Files.writeString(folder.resolve("recipe.yaml"), yaml).toString(), folder);
    }

    /// The logits of what is loaded; `made` is what methods worked on meanwhile.
    private float[] load(Recipe recipe, Optional<Path> lock, String cache) {
        try (Checkpoint checkpoint = Checkpoint.open(DEMO)) {
            return load(checkpoint, recipe, lock, cache);
        }
    }

    private float[] load(Checkpoint checkpoint, Recipe recipe, Optional<Path> lock, String cache) {
        made.clear();
        var loader =
                new RecipeLoader(new ModelLoader.Packing(Kernels.best(pool)), pool, Optional.of(folder.resolve(cache)));
        var request =
                new RecipeLoader.Request(checkpoint, checkpoint, recipe, lock, ModelLoader.Options.EXACT, CAPACITY);
        try (LoadedModel loaded =
                checkpoint.reading(() -> loader.load(request, LoadListener.NONE, (name, _) -> made.add(name)))) {
            return logits(loaded.model(), 1, 20, 33, 4, 57);
        }
    }

    private static float[] logits(Model model, int... ids) {
        try (var run = new SequenceRun(model, ids.length)) {
            Activations logits = run.forward(ids, 0, ids.length, 0);
            float[] all = new float[ids.length * logits.columns()];
            for (int i = 0; i < ids.length; i++) {
                System.arraycopy(logits.values(), i * logits.stride(), all, i * logits.columns(), logits.columns());
            }
            return all;
        }
    }

    private List<Path> forms(String cache) throws IOException {
        try (Stream<Path> files = Files.list(folder.resolve(cache).resolve("forms"))) {
            return new ArrayList<>(files.toList());
        }
    }

    @Test
    void makesNoFormAgain() throws IOException {
        Recipe recipe = recipe(COSTLY);
        float[] first = load(recipe, Optional.empty(), "cache");
        assertThat(made).isNotEmpty();
        assertThat(forms("cache")).hasSizeGreaterThanOrEqualTo(6);

        float[] second = load(recipe, Optional.empty(), "cache");

        assertThat(made).isEmpty();
        assertThat(second).isEqualTo(first);
    }

    @Test
    void makesCorruptFormsAgain() throws IOException {
        Recipe recipe = recipe(COSTLY);
        float[] first = load(recipe, Optional.empty(), "cache");
        for (Path file : forms("cache")) {
            byte[] bytes = Files.readAllBytes(file);
            bytes[bytes.length / 2] ^= 4;
            Files.write(file, bytes);
        }

        float[] second = load(recipe, Optional.empty(), "cache");

        assertThat(made).isNotEmpty();
        assertThat(second).isEqualTo(first);
        load(recipe, Optional.empty(), "cache");
        assertThat(made).isEmpty();
    }

    @Test
    void locksAlikeEachTime() throws IOException {
        for (String yaml : List.of(COSTLY, PRUNED, TOGETHER)) {
            Recipe recipe = recipe(yaml);
            Path first = folder.resolve("a" + yaml.length());
            Path second = folder.resolve("b" + yaml.length());

            load(recipe, Optional.of(first), "x" + yaml.length());
            load(recipe, Optional.of(second), "y" + yaml.length());
            assertThat(second).hasSameBinaryContentAs(first);

            Path third = folder.resolve("c" + yaml.length());
            load(recipe, Optional.of(third), "x" + yaml.length());
            assertThat(third).hasSameBinaryContentAs(first);
        }
    }

    /// The text is gone, and with it every way to read an activation.
    @Test
    void needsNoCalibrationWhereLockAndCacheHaveAll() throws IOException {
        for (String yaml : List.of(COSTLY, PRUNED, TOGETHER)) {
            writeText();
            Recipe recipe = recipe(yaml);
            String name = Integer.toString(yaml.length());
            Optional<Path> lock = Optional.of(folder.resolve(name + ".lock"));
            float[] first = load(recipe, lock, name);
            Files.delete(text);
            byte[] locked = Files.readAllBytes(lock.get());

            assertThat(load(recipe, lock, name)).isEqualTo(first);

            assertThat(lock.get()).hasBinaryContent(locked);
            assertThatThrownBy(() -> load(recipe, Optional.empty(), name)).hasMessageContaining("text.txt");
            assertThatThrownBy(() -> load(recipe, lock, "empty" + name)).hasMessageContaining("text.txt");
        }
    }

    @Test
    void refusesOtherCalibrationThanWasLocked() throws IOException {
        Recipe recipe = recipe(COSTLY);
        Optional<Path> lock = Optional.of(folder.resolve("a.lock"));
        load(recipe, lock, "cache");
        Files.writeString(text, "Quite another text, about nothing in particular; it goes on and on. ".repeat(40));

        assertThatThrownBy(() -> load(recipe, lock, "empty"))
                .isInstanceOf(BadConfiguration.class)
                .hasMessageContaining("calibration: expected");
    }

    @Test
    void refusesOtherWeightsAndOtherRecipes() throws IOException {
        Optional<Path> lock = Optional.of(folder.resolve("a.lock"));
        load(recipe("quantize: int8"), lock, "cache");
        Recipe other = recipe("quantize: int4");

        assertThatThrownBy(() -> load(other, lock, "cache"))
                .isInstanceOf(BadConfiguration.class)
                .hasMessageContaining("recipe: expected");
        Recipe same = recipe("quantize: int8");
        try (Checkpoint checkpoint = TestCheckpoints.llama().open()) {
            assertThatThrownBy(() -> load(checkpoint, same, lock, "cache"))
                    .isInstanceOf(BadConfiguration.class)
                    .hasMessageContaining("source: expected");
        }
    }

    @ParameterizedTest
    @CsvSource({"1, tensor blk.0.ffn_", "1000000, removal: layer 0"})
    void refusesAChangedRemoval(int shift, String message) throws IOException {
        Recipe recipe = recipe(PRUNED);
        Path lock = folder.resolve("a.lock");
        load(recipe, Optional.of(lock), "cache");
        String json = Files.readString(lock);
        int from = json.indexOf("[ [ ", json.indexOf("neurons")) + "[ [ ".length();
        int end = json.indexOf(" ]", from);
        Files.writeString(
                lock, json.substring(0, from) + shifted(json.substring(from, end), shift) + json.substring(end));

        assertThatThrownBy(() -> load(recipe, Optional.of(lock), "cache"))
                .isInstanceOf(BadConfiguration.class)
                .hasMessageStartingWith(lock + ": " + message);
    }

    /// The last of the ascending `numbers` before a gap, or the last of all, is another.
    private static String shifted(String numbers, int shift) {
        List<Integer> kept = new ArrayList<>(
                Stream.of(numbers.split(", ")).map(Integer::valueOf).toList());
        int at = kept.size() - 1;
        while (shift == 1 && at > 0 && kept.get(at) - kept.get(at - 1) == 1) {
            at--;
        }
        int changed = shift == 1 ? at - 1 : at;
        kept.set(changed, kept.get(changed) + shift);
        return kept.stream().map(String::valueOf).collect(Collectors.joining(", "));
    }

    @Test
    void refusesALockThatIsNone() throws IOException {
        Recipe recipe = recipe("quantize: int8");
        Path lock = Files.writeString(folder.resolve("a.lock"), "{}");

        assertThatThrownBy(() -> load(recipe, Optional.of(lock), "cache"))
                .isInstanceOf(BadConfiguration.class)
                .hasMessageStartingWith(lock + ":1:2: no lock:");
    }
}
