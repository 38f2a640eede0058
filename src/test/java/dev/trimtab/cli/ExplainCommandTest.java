package dev.trimtab.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/// `trimtab explain` on the embedded model, as people and as programs read it.
class ExplainCommandTest {
    private final StringWriter out = new StringWriter();

    @TempDir
    private Path folder;

    @Test
    void printsRuleBitsAndBytesOfEveryTensor() throws IOException {
        Path recipe = recipe();

        int status = new CommandLine(new Main()).setOut(new PrintWriter(out)).execute("explain", recipe.toString());

        assertThat(status).isZero();
        assertThat(out.toString().lines().filter(line -> line.contains(" -> "))).hasSize(56);
        assertThat(out.toString())
                .containsPattern(
                        "token_embd.weight .* F16 +-> int8 +8.50 bits .* quantize\\[0\\] .*\\(class; embedding")
                .containsPattern("blk.0.attn_norm.weight .* -> f32 +32.00 bits .* fallback \\(vectors stay f32\\)")
                .containsPattern("56 tensors, .* bits per weight, KV cache k q8, v q4")
                .contains("matches no tensor: quantize[2] {targets: [re:visual], scheme: f16}");
    }

    @Test
    void printsTheSameForPrograms() throws IOException {
        Path recipe = recipe();

        new CommandLine(new Main()).setOut(new PrintWriter(out)).execute("explain", "--json", recipe.toString());

        JsonNode facts = new ObjectMapper().readTree(out.toString());
        long bytes = 0;
        for (JsonNode tensor : facts.path("tensors")) {
            bytes += tensor.path("bytes").asLong();
        }
        assertThat(facts.path("bytes").asLong()).isEqualTo(bytes).isPositive();
        assertThat(facts.path("kv").asText()).isEqualTo("k q8, v q4");
        assertThat(facts.at("/tensors/0/rule").asText()).isNotEmpty();
    }

    private Path recipe() throws IOException {
        return Files.writeString(folder.resolve("recipe.yaml"), """
                kv: {k: q8, v: q4}
                quantize:
                  - {targets: [head], scheme: int8}
                  - {targets: [Linear], bits: 4}
                  - {targets: ["re:visual"], scheme: f16}
                """);
    }
}
