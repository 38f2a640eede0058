package dev.trimtab.compress.export;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trimtab.SharedData;
import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.checkpoint.vocabulary.KeptTokens;
import dev.trimtab.error.BadConfiguration;
import dev.trimtab.error.Unsupported;
import dev.trimtab.model.ModelLoader;
import dev.trimtab.tokenizer.Tokenizer;
import dev.trimtab.tokenizer.Tokenizer.ControlTokens;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Folders of variants of the embedded model, and GGUF files of folders.
class FolderExportTest {
    private static final int[] IDS = Exports.prompt();

    /// q's and k's rows in another order, and with them the order of a sum.
    private static final double TOLERANCE = 1e-4;

    private static final String SMALLER = "prune: [{method: flap, ratio: 0.25, targets: [attn, ffn]}]";

    @TempDir
    private Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"quantize: keep", SMALLER})
    void givesTheSameLogitsWhenLoaded(String recipe) throws IOException {
        Exports exports = new Exports(Exports.DEMO, recipe);
        Path out = folder.resolve("out");

        ExportReport report = exports.folder(Optional.empty(), out);

        assertThat(report.files()).containsExactly(out.resolve("config.json"), out.resolve("model.safetensors"));
        assertThat(report.remarks()).anyMatch(remark -> remark.contains("tokenizer"));
        assertClose(Exports.loaded(out, ModelLoader.Options.EXACT, IDS), served(exports));
        try (var files = Files.list(folder)) {
            assertThat(files).containsExactly(out);
        }
    }

    /// There and back: rows of q and k are put in the other order and again in theirs.
    @Test
    void givesTheSameGgufAsTheOneItCameFrom() {
        new Exports(Exports.DEMO, SMALLER).folder(Optional.empty(), folder.resolve("out"));

        new Exports(folder.resolve("out"), "quantize: int8").gguf(folder.resolve("back.gguf"));

        float[] direct = served(new Exports(Exports.DEMO, SMALLER + "\nquantize: int8"));
        assertThat(Exports.loaded(folder.resolve("back.gguf"), ModelLoader.Options.EXACT, IDS))
                .isEqualTo(direct);
    }

    @Test
    void changesTheSizesInTheConfigurationOfAFolder() throws IOException {
        Path source = SharedData.path("models/demo/hf");
        Path out = folder.resolve("out");
        Exports exports = new Exports(source, SMALLER);

        exports.folder(Optional.of(source), out);

        assertThat(Files.readString(out.resolve("config.json")))
                .contains("\"num_key_value_heads\" : 3", "\"intermediate_size\" : 384", "\"mlp_bias\" : false");
        assertThat(out.resolve("tokenizer.json")).hasSameBinaryContentAs(source.resolve("tokenizer.json"));
        assertClose(Exports.loaded(out, ModelLoader.Options.EXACT, IDS), served(exports));
    }

    @Test
    void writesTheTokenizerOfAVocabularyThatLostTokens() throws IOException {
        Path source = SharedData.path("models/demo/hf");
        Path out = folder.resolve("out");
        Exports exports = new Exports(source, "prune: [{method: vocab, keep: 0.5}]");
        KeptTokens kept = exports.compressed(made -> made.keptTokens().orElseThrow());

        exports.folder(Optional.of(source), out);

        try (Checkpoint before = Checkpoint.open(source);
                Checkpoint after = Checkpoint.open(out)) {
            Tokenizer whole = Tokenizer.of(before.metadata());
            Tokenizer part = Tokenizer.of(after.metadata());
            int[] ids = whole.encodePrompt(Exports.PROMPT, ControlTokens.PARSE);
            int[] renamed = Arrays.stream(ids).map(kept::after).toArray();
            assertThat(part.vocabulary().size()).isEqualTo(kept.size());
            assertThat(part.encodePrompt(Exports.PROMPT, ControlTokens.PARSE)).isEqualTo(renamed);
            assertThat(part.vocabulary().endOfGeneration())
                    .isEqualTo(Arrays.stream(whole.vocabulary().endOfGeneration())
                            .map(kept::after)
                            .toArray());
            assertClose(
                    Exports.loaded(out, ModelLoader.Options.EXACT, renamed),
                    exports.served(ModelLoader.Options.EXACT, renamed));
        }
    }

    private static float[] served(Exports exports) {
        return exports.served(ModelLoader.Options.EXACT, IDS);
    }

    private static void assertClose(float[] found, float[] expected) {
        for (int i = 0; i < expected.length; i++) {
            assertThat(Math.abs(found[i] - expected[i])).as("logit %d", i).isLessThan((float) TOLERANCE);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "prune: [{method: flap, ratio: 0.25, targets: [ffn], compensate: bias}]",
                "prune: [{method: flap, ratio: 0.25, targets: [ffn], layers: 2-4}]"
            })
    void refusesWhatAConfigurationCannotSay(String recipe) throws IOException {
        Exports exports = new Exports(Exports.DEMO, recipe);

        assertThatThrownBy(() -> exports.folder(Optional.empty(), folder.resolve("out")))
                .isInstanceOf(Unsupported.class)
                .hasMessageContaining("write a .gguf");
        try (var files = Files.list(folder)) {
            assertThat(files).isEmpty();
        }
    }

    @Test
    void leavesAFolderAloneThatHoldsSomething() throws IOException {
        Files.writeString(folder.resolve("kept.txt"), "kept");

        assertThatThrownBy(() -> new Exports(Exports.DEMO, "quantize: keep").folder(Optional.empty(), folder))
                .isInstanceOf(BadConfiguration.class);
        assertThat(folder.resolve("kept.txt")).hasContent("kept");
    }
}
