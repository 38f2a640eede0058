package dev.trimtab.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trimtab.SharedData;
import dev.trimtab.app.Serving;
import dev.trimtab.app.ServingFile;
import dev.trimtab.app.ServingOptions;
import dev.trimtab.app.TrimtabConfig;
import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.checkpoint.hub.FakeHub;
import dev.trimtab.engine.EngineListener;
import dev.trimtab.model.LoadListener;
import dev.trimtab.variant.ModelDeclaration;
import dev.trimtab.variant.VariantRegistry;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/// Models from a hub as a user gets them: by `pull`, by `--model hf:...`, by `source: hf:...`.
class HubCommandsTest {
    private final FakeHub hub = new FakeHub();
    private final StringWriter out = new StringWriter();

    @TempDir
    private Path folder;

    @BeforeEach
    void configure() {
        System.setProperty("trimtab.hub.url", hub.base().toString());
        System.setProperty("trimtab.cache", folder.resolve("cache").toString());
    }

    @AfterEach
    void close() {
        System.clearProperty("trimtab.hub.url");
        System.clearProperty("trimtab.cache");
        hub.close();
    }

    private int run(String... args) {
        return new CommandLine(new Main()).setOut(new PrintWriter(out)).execute(args);
    }

    private void publishDemo() throws IOException {
        try (InputStream demo = HubCommandsTest.class.getResourceAsStream("/models/demo.gguf")) {
            hub.file("demo-F16.gguf", demo.readAllBytes());
        }
    }

    @Test
    void pullPrintsWhereTheModelIs() throws IOException {
        publishDemo();

        int status = run("pull", "hf:org/name:F16");

        assertThat(status).isZero();
        Path path = Path.of(out.toString().strip());
        assertThat(path).startsWith(folder).hasFileName("demo-F16.gguf").isRegularFile();
    }

    @Test
    void tokenizesWithAModelOfAHub() throws IOException {
        publishDemo();

        assertThat(run("tokenize", "--model", "hf:org/name", "Hello")).isZero();

        assertThat(out.toString().strip()).matches("\\d+( \\d+)*");
    }

    @Test
    void servesWhatTheFileNames() throws IOException {
        publishDemo();
        Path file = Files.writeString(folder.resolve("trimtab.yaml"), "models: [{source: 'hf:org/name'}]\n");
        List<ModelDeclaration> models = ServingFile.read(file);

        try (Serving serving = Serving.start(
                ServingOptions.of(models, TrimtabConfig.ofProcess().hubOptions()),
                new VariantRegistry(),
                _ -> EngineListener.NONE,
                LoadListener.NONE)) {
            assertThat(serving.registry().get("name").contextLength()).isEqualTo(1024);
        }
    }

    @Test
    void pullsAFolderThatOpens() throws IOException {
        Path demo = SharedData.path("models/demo/hf");
        try (Stream<Path> files = Files.list(demo)) {
            for (Path file : files.toList()) {
                hub.file(file.getFileName().toString(), Files.readAllBytes(file));
            }
        }

        assertThat(run("pull", "hf:org/name")).isZero();

        try (Checkpoint checkpoint = Checkpoint.open(Path.of(out.toString().strip()))) {
            assertThat(checkpoint.metadata().string("general.architecture")).isEqualTo("llama");
            assertThat(checkpoint.metadata().contains("tokenizer.huggingface.json"))
                    .isTrue();
        }
    }
}
