package dev.trimtab.checkpoint.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trimtab.error.BadConfiguration;
import dev.trimtab.error.NotFound;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// What people write after `hf:`, and what it means.
class HubReferenceTest {
    @ParameterizedTest
    @CsvSource({
        "hf:org/name, org/name, main, '', name",
        "hf:org/name:Q8_0, org/name, main, Q8_0, name:Q8_0",
        "hf:org/name-GGUF:sub/x.Q4_0.gguf, org/name-GGUF, main, sub/x.Q4_0.gguf, x.Q4_0",
        "hf:org/name@v1.0, org/name, v1.0, '', name",
        "hf:org/name@refs/pr/3:a b.gguf, org/name, refs/pr/3, a b.gguf, a b"
    })
    void readsItsParts(String text, String repository, String revision, String selector, String modelName) {
        HubReference reference = HubReference.parse(text);

        assertThat(reference).isEqualTo(new HubReference(repository, revision, selector));
        assertThat(reference.modelName()).isEqualTo(modelName);
        assertThat(reference).hasToString(text);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "hf:",
                "hf:name",
                "hf:a/b/c",
                "hf:../name",
                "hf:org/..",
                "hf:org/.name",
                "hf:org/a..b",
                "hf:org/name@",
                "hf:org/name@../x",
                "hf:org/name@a//b",
                "hf:org/name:../x",
                "hf:org/name:/etc/passwd",
                "hf:org/na me",
                "hf:org/name@a?b",
                "hf:-org/name"
            })
    void refusesWhatIsNone(String text) {
        assertThatThrownBy(() -> HubReference.parse(text))
                .isInstanceOf(BadConfiguration.class)
                .hasMessageContaining("expected hf:org/name");
    }

    @ParameterizedTest
    @CsvSource({
        "'', x-Q4_K_M.gguf",
        ":Q8_0, x-Q8_0.gguf",
        ":q5_k_m, x-Q5_K_M.gguf",
        ":x-UD-Q4_K_M.gguf, x-UD-Q4_K_M.gguf",
        ":UD-Q4_K_M, x-UD-Q4_K_M.gguf"
    })
    void choosesByDocumentedRules(String selector, String chosen) {
        Listing listing = listing(
                "mmproj-Q4_K_M.gguf",
                "x-UD-Q4_K_M.gguf",
                "x-Q4_K_M.gguf",
                "x-Q5_K_M.gguf",
                "x-Q8_0.gguf",
                "model.safetensors");

        Selection selection = Selection.of(HubReference.parse("hf:org/name" + selector), listing);

        assertThat(selection.entry()).isEqualTo(chosen);
        assertThat(selection.files()).hasSize(1);
    }

    @Test
    void prefersQ8WhereThereIsNoQ4AndTheFirstWhereThereIsNeither() {
        HubReference reference = HubReference.parse("hf:org/name");

        assertThat(Selection.of(reference, listing("x-F16.gguf", "x-Q8_0.gguf")).entry())
                .isEqualTo("x-Q8_0.gguf");
        assertThat(Selection.of(reference, listing("x-Q5_0.gguf", "x-F16.gguf")).entry())
                .isEqualTo("x-F16.gguf");
    }

    @Test
    void saysWhatThereIsWhenNothingFits() {
        assertThatThrownBy(() -> Selection.of(HubReference.parse("hf:org/name:Q3_K"), listing("x-Q8_0.gguf", "a.txt")))
                .isInstanceOf(NotFound.class)
                .hasMessage("hf:org/name:Q3_K: nothing fits; the repository has x-Q8_0.gguf");
    }

    @Test
    void keepsItsCacheWhereTheSystemKeepsCaches() {
        Path home = Path.of("/home/me");

        assertThat(HubOptions.defaultCache(Optional.empty(), home)).isEqualTo(Path.of("/home/me/.cache/trimtab"));
        assertThat(HubOptions.defaultCache(Optional.of("/var/c"), home)).isEqualTo(Path.of("/var/c/trimtab"));
        assertThat(HubOptions.defaultCache(Optional.of("relative"), home))
                .isEqualTo(Path.of("/home/me/.cache/trimtab"));
    }

    @Test
    void neverPrintsTheToken() {
        HubOptions options =
                new HubOptions(HubOptions.HUGGING_FACE, Optional.of("hf_secret"), Path.of("/tmp/x"), HubOptions.STALL);

        assertThat(options).asString().doesNotContain("hf_secret").contains("with a token");
    }

    private static Listing listing(String... paths) {
        Map<String, RemoteFile> files = new LinkedHashMap<>();
        List.of(paths)
                .forEach(path -> files.put(
                        path, new RemoteFile(path, 1, new ContentHash(ContentHash.Kind.GIT_BLOB, "0".repeat(40)))));
        return new Listing(FakeHub.COMMIT, files);
    }
}
