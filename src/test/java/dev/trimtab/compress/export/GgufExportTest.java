package dev.trimtab.compress.export;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.checkpoint.adapter.LoraAdapter;
import dev.trimtab.error.Unsupported;
import dev.trimtab.model.ModelLoader;
import dev.trimtab.model.ModelRun;
import dev.trimtab.model.adapter.AdapterShelf;
import dev.trimtab.oracle.LlamaCpp;
import dev.trimtab.tokenizer.Tokenizer;
import dev.trimtab.tokenizer.Tokenizer.ControlTokens;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// GGUF files of variants of the embedded model: the same variant when loaded again, and one that llama.cpp runs.
class GgufExportTest {
    /// llama.cpp rounds activations to f16 for F16 weights, and to 8 bits for quantized ones.
    private static final double F16_TOLERANCE = 5e-2;

    private static final int[] IDS = Exports.prompt();

    @TempDir
    private Path folder;

    @ParameterizedTest
    @ValueSource(
            strings = {
                "quantize: keep",
                "quantize: int8",
                "quantize: int4",
                "quantize: int5",
                "quantize: int4_asym",
                "quantize: int5_asym",
                "quantize: bf16",
                "quantize: {scheme: q4_0, rounding: gptq}",
                "prune: [{method: flap, ratio: 0.25, targets: [attn, ffn], compensate: lsq}]",
                "prune: [{method: magnitude, ratio: 0.25, targets: [ffn], scope: global}]\nquantize: int8",
                "prune: [{method: layer_drop, layers: [2]}]\nquantize: int4",
            })
    void givesTheSameVariantWhenLoaded(String recipe) {
        Exports exports = new Exports(Exports.DEMO, recipe);
        Path file = folder.resolve("out.gguf");

        exports.gguf(file);

        assertThat(Exports.loaded(file, ModelLoader.Options.EXACT, IDS))
                .isEqualTo(exports.served(ModelLoader.Options.EXACT, IDS));
        assertThat(Exports.loaded(file, ModelLoader.Options.SERVING, IDS))
                .isEqualTo(exports.served(ModelLoader.Options.SERVING, IDS));
    }

    /// What GGUF has no encoding for is rounded once more; bounds are on the largest difference of a logit.
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            quantize: int6                                                           | Q6_K | 0.6
            quantize: {scheme: int3, rounding: gptq}                                 | Q3_K | 0.3
            quantize: int2                                                           | Q2_K | 6
            quantize: codebook4                                                      | Q8_0 | 0.1
            prune: [{method: magnitude, sparsity: 0.3, structure: vector}]           | Q8_0 | 0.1
            lowrank: [{targets: [ffn], method: svd, energy: 0.5}]                    | F16  | 0.01
            """)
    void roundsWhatGgufHasNoEncodingFor(String recipe, String encoding, double tolerance) {
        Exports exports = new Exports(Exports.DEMO, recipe);
        Path file = folder.resolve("out.gguf");

        ExportReport report = exports.gguf(file);

        assertThat(report.encodings().keySet()).anyMatch(note -> note.startsWith(encoding + ", "));
        float[] expected = exports.served(ModelLoader.Options.EXACT, IDS);
        float[] found = Exports.loaded(file, ModelLoader.Options.EXACT, IDS);
        assertThat(difference(found, expected)).isLessThan(tolerance);
    }

    private static double difference(float[] found, float[] expected) {
        double largest = 0;
        for (int i = 0; i < found.length; i++) {
            largest = Math.max(largest, Math.abs(found[i] - expected[i]));
        }
        return largest;
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            quantize: keep                                                                              | llama
            prune: [{method: flap, ratio: 0.25, targets: [attn, ffn]}]                                  | llama
            prune: [{method: flap, ratio: 0.25, targets: [attn, ffn], compensate: lsq}]                 | llama
            prune: [{method: flap, ratio: 0.25, targets: [attn, ffn], compensate: lsq, layers: 2-5}]    | deci
            prune: [{method: flap, ratio: 0.1, targets: [attn, ffn], compensate: bias, scope: global}]  | deci
            prune: [{method: layer_drop, layers: [3], unit: attn_sublayer}]                             | deci
            prune: [{method: layer_drop, layers: [3]}]                                                  | llama
            """)
    void llamaCppGivesTheSameLogitsAndText(String recipe, String architecture) {
        Path file = folder.resolve("out.gguf");

        new Exports(Exports.DEMO, recipe).gguf(file);

        try (Checkpoint checkpoint = Checkpoint.open(file);
                ModelRun ours = ModelRun.of(file, ModelLoader.Options.EXACT);
                LlamaCpp theirs = LlamaCpp.open(file, 128)) {
            assertThat(checkpoint.metadata().string("general.architecture")).isEqualTo(architecture);
            float[][] expected = theirs.logits(IDS);
            assertClose(ours.logitsAfter(IDS), expected[IDS.length - 1], F16_TOLERANCE);
            assertThat(ours.greedy(IDS, 16)).isEqualTo(theirs.greedy(IDS, 16));
        }
    }

    /// Its own tokenizer too: llama.cpp reads the smaller vocabulary, and finds in it what we find.
    @Test
    void llamaCppReadsAVocabularyThatLostTokens() {
        Path file = folder.resolve("out.gguf");
        String text = "The capital of Norway is Oslo. Überraschung: 漢字 unumgänglich!";

        Exports exports = new Exports(Exports.DEMO, "prune: [{method: vocab, keep: 0.4}]");
        exports.gguf(file);

        try (Checkpoint checkpoint = Checkpoint.open(file);
                ModelRun ours = ModelRun.of(file, ModelLoader.Options.EXACT);
                LlamaCpp theirs = LlamaCpp.open(file, 128)) {
            Tokenizer tokenizer = Tokenizer.of(checkpoint.metadata());
            int[] ids = tokenizer.encodePrompt(Exports.PROMPT, ControlTokens.PARSE);
            float[][] expected = theirs.logits(ids);
            assertThat(expected[0]).hasSize(tokenizer.vocabulary().size());
            assertClose(ours.logitsAfter(ids), expected[ids.length - 1], F16_TOLERANCE);
            assertThat(Exports.loaded(file, ModelLoader.Options.SERVING, ids))
                    .isEqualTo(exports.served(ModelLoader.Options.SERVING, ids));
            assertThat(ours.greedy(ids, 16)).isEqualTo(theirs.greedy(ids, 16));
            assertThat(theirs.tokenize(text, LlamaCpp.Special.NONE))
                    .isEqualTo(tokenizer.encode(text, ControlTokens.PARSE));
        }
    }

    private static void assertClose(float[] found, float[] expected, double tolerance) {
        for (int i = 0; i < expected.length; i++) {
            assertThat((double) found[i]).as("logit %d", i).isCloseTo(expected[i], within(tolerance));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"int8", "int4", "int6", "q4_k_m"})
    void llamaCppRunsQuantizedFiles(String scheme) {
        Path file = folder.resolve("out.gguf");

        new Exports(Exports.DEMO, "quantize: " + scheme).gguf(file);

        try (ModelRun ours = ModelRun.of(file, ModelLoader.Options.EXACT);
                LlamaCpp theirs = LlamaCpp.open(file, 128)) {
            assertThat(ours.greedy(IDS, 8)).isEqualTo(theirs.greedy(IDS, 8));
        }
    }

    /// Not on `int4`: this llama.cpp rearranges Q4_0 weights as it loads them, and aborts when an adapter comes.
    @Test
    void putsCorrectionsIntoAnAdapter() {
        String recipe = "quantize: int3_asym\ncompensate: [{method: eora, rank: 32, targets: [attn, ffn]}]";
        Exports exports = new Exports(Exports.DEMO, recipe);
        Path file = folder.resolve("out.gguf");

        ExportReport report = exports.gguf(file);

        Path adapter = folder.resolve("out.lora.gguf");
        assertThat(report.files()).containsExactlyInAnyOrder(file, adapter);
        float[] served = exports.served(ModelLoader.Options.EXACT, IDS);
        assertThat(difference(adapted(file, adapter), served)).isZero();
        try (LlamaCpp theirs = LlamaCpp.open(file, 128)) {
            double without = difference(theirs.logits(IDS)[IDS.length - 1], served);
            theirs.adapt(adapter, 1);
            double with = difference(theirs.logits(IDS)[IDS.length - 1], served);
            assertThat(with).isLessThan(without / 3);
        }
    }

    private static float[] adapted(Path file, Path adapter) {
        try (ModelRun run = ModelRun.of(file, ModelLoader.Options.EXACT);
                LoraAdapter opened = LoraAdapter.open(adapter)) {
            run.model().adapters().load("corrections", opened, 1, AdapterShelf.Naming.NEW);
            try (AdapterShelf.Lease lease = run.model().adapters().lease(Map.of("corrections", 1f))) {
                return run.with(lease.mix()).logitsAfter(IDS);
            }
        }
    }

    @Test
    void leavesNothingButTheFile() throws Exception {
        new Exports(Exports.DEMO, "quantize: int4").gguf(folder.resolve("out.gguf"));

        try (var files = Files.list(folder)) {
            assertThat(files).containsExactly(folder.resolve("out.gguf"));
        }
    }

    @Test
    void refusesLayersThatLlamaCppCannotSize() {
        Exports exports = new Exports(Exports.DEMO, "prune: [{method: layer_drop, layers: [0], unit: attn_sublayer}]");

        assertThatThrownBy(() -> exports.gguf(folder.resolve("out.gguf")))
                .isInstanceOf(Unsupported.class)
                .hasMessageContaining("layer 0 without attention heads");
        assertThat(Arrays.asList(folder.toFile().list())).isEmpty();
    }
}
