package dev.trimtab.variant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trimtab.error.BadConfiguration;
import dev.trimtab.error.Forbidden;
import dev.trimtab.error.InvalidRequest;
import dev.trimtab.error.NotFound;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ModelRootTest {
    @TempDir
    private Path folder;

    private Path models;
    private ModelRoot root;

    @BeforeEach
    void makeFiles() throws IOException {
        models = Files.createDirectories(folder.resolve("models")).toRealPath();
        Files.createDirectories(folder.resolve("models-private"));
        Files.writeString(folder.resolve("models-private/secret.gguf"), "secret");
        Files.createDirectories(models.resolve("org"));
        Files.writeString(models.resolve("org/tiny.gguf"), "tiny");
        root = ModelRoot.of(models);
    }

    @Test
    void findsFilesBelowByRelativeAndByAbsolutePath() {
        Path tiny = models.resolve("org/tiny.gguf");

        assertThat(root.resolve("model", "org/tiny.gguf")).isEqualTo(tiny);
        assertThat(root.resolve("model", "org/../org/./tiny.gguf")).isEqualTo(tiny);
        assertThat(root.resolve("model", tiny.toString())).isEqualTo(tiny);
        assertThat(root.resolve("model", "org")).isEqualTo(models.resolve("org"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "../models-private/secret.gguf",
                "org/../../models-private/secret.gguf",
                "../models-private/absent.gguf",
                "/etc/passwd",
                "/",
                ".",
                "..",
                "org/.."
            })
    void refusesWhatLeadsOutAndDoesNotTellWhetherItIsThere(String path) {
        assertThatThrownBy(() -> root.resolve("model", path))
                .isInstanceOf(Forbidden.class)
                .hasMessageContaining("leads out");
    }

    @Test
    void refusesSymbolicLinksThatLeadOut() throws IOException {
        Path secret = folder.resolve("models-private/secret.gguf");
        Files.createSymbolicLink(models.resolve("link.gguf"), secret);
        Files.createSymbolicLink(models.resolve("linked"), secret.getParent());
        Files.createDirectories(models.resolve("hf"));
        Files.createSymbolicLink(models.resolve("hf/model.safetensors"), secret);
        Files.writeString(models.resolve("split-00001-of-00002.gguf"), "1");
        Files.createSymbolicLink(models.resolve("split-00002-of-00002.gguf"), secret);

        for (String path : new String[] {"link.gguf", "linked/secret.gguf", "hf", "split-00001-of-00002.gguf"}) {
            assertThatThrownBy(() -> root.resolve("model", path)).as(path).isInstanceOf(Forbidden.class);
        }
    }

    @Test
    void followsSymbolicLinksThatStayBelow() throws IOException {
        Files.createSymbolicLink(models.resolve("again.gguf"), models.resolve("org/tiny.gguf"));

        assertThat(root.resolve("model", "again.gguf")).isEqualTo(models.resolve("org/tiny.gguf"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " ", "a\0b"})
    void refusesWhatIsNoPath(String path) {
        assertThatThrownBy(() -> root.resolve("model", path)).isInstanceOf(InvalidRequest.class);
        assertThatThrownBy(() -> root.resolve("model", "x".repeat(5_000))).isInstanceOf(InvalidRequest.class);
    }

    @Test
    void saysWhatIsNotThere() {
        assertThatThrownBy(() -> root.resolve("model", "org/other.gguf"))
                .isInstanceOf(NotFound.class)
                .hasMessageContaining("org/other.gguf");
    }

    @Test
    void namesNothingWithoutARoot() {
        assertThatThrownBy(() -> ModelRoot.NONE.resolve("model", "org/tiny.gguf"))
                .isInstanceOf(Forbidden.class)
                .hasMessageContaining("trimtab.models.root");
    }

    @Test
    void mustBeAFolder() {
        assertThatThrownBy(() -> ModelRoot.of(models.resolve("org/tiny.gguf"))).isInstanceOf(BadConfiguration.class);
        assertThatThrownBy(() -> ModelRoot.of(models.resolve("absent"))).isInstanceOf(BadConfiguration.class);
    }
}
