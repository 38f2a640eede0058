package dev.trimtab.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trimtab.api.FakeVariant;
import dev.trimtab.app.Serving;
import dev.trimtab.app.ServingOptions;
import dev.trimtab.app.TrimtabConfig;
import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.checkpoint.GgufWriter;
import dev.trimtab.engine.EngineListener;
import dev.trimtab.engine.SamplingOptions;
import dev.trimtab.engine.SamplingOptions.Field;
import dev.trimtab.model.LoadListener;
import dev.trimtab.variant.ModelDeclaration;
import dev.trimtab.variant.ModelSource;
import dev.trimtab.variant.SamplingDefaults;
import dev.trimtab.variant.Variant;
import dev.trimtab.variant.VariantRegistry;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/// What the commands sample with: what the user says, else what the model's makers advise, else the
/// likeliest token.
class SamplingOptionTest {
    private static SamplingOptions sampling(Variant variant, String... args) {
        SamplingOption option = CommandLine.populateCommand(new SamplingOption(), args);
        return option.request("id", new int[] {1}, variant).sampling();
    }

    private static SamplingOptions options(float temperature, int topK, float topP, float repetition) {
        return new SamplingOptions(temperature, topK, topP, 0, repetition, 0, 0, Map.of(), OptionalLong.empty());
    }

    @Test
    void isGreedyWithoutAdvice() {
        assertThat(sampling(new FakeVariant("plain"))).isEqualTo(options(0, 0, 1, 1));
        assertThat(sampling(new FakeVariant("plain"), "--temperature", "0.5")).isEqualTo(options(0.5f, 0, 1, 1));
    }

    @Test
    void followsTheModelsAdviceUnlessTold() {
        Variant variant = new FakeVariant("advised")
                .advising(new SamplingDefaults(Map.of(
                        Field.TEMPERATURE, 0.6f, Field.TOP_K, 20f, Field.TOP_P, 0.9f, Field.REPETITION_PENALTY, 1.1f)));

        assertThat(sampling(variant)).isEqualTo(options(0.6f, 20, 0.9f, 1.1f));
        assertThat(sampling(variant, "--temperature", "0")).isEqualTo(options(0, 20, 0.9f, 1.1f));
    }

    @Test
    void takesAdviceFromTheFileThatIsServed(@TempDir Path folder) {
        Path file = folder.resolve("advised.gguf");
        try (Checkpoint demo = ModelOption.open(new ModelSource.Embedded())) {
            GgufWriter.copyOf(demo).float32("general.sampling.temp", 0.7f).write(file);
        }
        ModelDeclaration declared = new ModelDeclaration("advised", new ModelSource.Local(file));

        try (Serving serving = Serving.start(
                ServingOptions.of(List.of(declared), TrimtabConfig.ofProcess().hubOptions()),
                new VariantRegistry(),
                _ -> EngineListener.NONE,
                LoadListener.NONE)) {
            Variant variant = serving.registry().get("advised");

            assertThat(sampling(variant)).isEqualTo(options(0.7f, 0, 1, 1));
            assertThat(variant.description()).containsEntry("sampling_defaults", Map.of("temperature", 0.7f));
        }
    }
}
