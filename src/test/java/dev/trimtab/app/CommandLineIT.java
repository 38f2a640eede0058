package dev.trimtab.app;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The commands of the packaged jar, as a user types them.
class CommandLineIT {
    private static final String DEMO = "src/main/resources/models/demo.gguf";

    @TempDir
    private Path folder;

    /// What a command printed and how it ended.
    private record Outcome(int exitCode, String out, String err) {}

    @Test
    void runAnswersFromTheEmbeddedModel() throws IOException, InterruptedException {
        Outcome outcome = trimtab("", "run", "What is the capital of Norway?");

        assertThat(outcome.exitCode()).isZero();
        assertThat(outcome.out()).isEqualTo("The capital of Norway is Oslo.\n");
        assertThat(outcome.err()).contains("15 prompt tokens, 8 generated").doesNotContain("\tat ");
    }

    @Test
    void runContinuesRawTextOfAFile() throws IOException, InterruptedException {
        Outcome outcome = trimtab(
                "",
                "run",
                "--raw",
                "--model",
                DEMO,
                "--max-tokens",
                "8",
                "<|im_start|>user\nWhat is the capital of Norway?<|im_end|>\n<|im_start|>assistant\n");

        assertThat(outcome.out()).isEqualTo("The capital of Norway is Oslo.\n");
    }

    @Test
    void sameSeedGivesTheSameText() throws IOException, InterruptedException {
        String[] command = {"run", "--temperature", "1.2", "--seed", "7", "--max-tokens", "24", "Tell me a fable."};

        assertThat(trimtab("", command).out()).isEqualTo(trimtab("", command).out());
    }

    @Test
    void chatRemembersTheConversation() throws IOException, InterruptedException {
        Outcome outcome = trimtab("My name is Wanda.\nWhat is my name?\n/exit\n", "chat");

        assertThat(outcome.exitCode()).isZero();
        assertThat(outcome.out()).contains("Your name is Wanda.");
    }

    @Test
    void tokenizeListsIdsAndPieces() throws IOException, InterruptedException {
        Outcome ids = trimtab("", "tokenize", "Hello world 12");
        Outcome pieces = trimtab("", "tokenize", "--pieces", "--model", DEMO, "Hello world 12");

        assertThat(ids.out().strip().split(" ")).hasSize(6);
        assertThat(pieces.out().lines()).hasSize(6).first().asString().endsWith("\tHello");
    }

    @Test
    void inspectListsMetadataAndTensors() throws IOException, InterruptedException {
        Outcome text = trimtab("", "inspect", DEMO);
        JsonNode json = new ObjectMapper()
                .readTree(trimtab("", "inspect", "--json", DEMO).out());

        assertThat(text.out()).contains("general.architecture", "token_embd.weight", "4,197,632 weights");
        assertThat(json.path("tensors")).hasSize(56);
    }

    @Test
    void mistakesAreOneLineAndAnExitCode() throws IOException, InterruptedException {
        Path broken = Files.writeString(folder.resolve("broken.gguf"), "GGUF but not really");

        for (String[] command : new String[][] {
            {"run", "--model", folder.resolve("none.gguf").toString(), "hi"},
            {"inspect", broken.toString()},
            {"tokenize", "--model", broken.toString(), "hi"},
            {"serve", "--port", "0", "--model", broken.toString()},
            {"run", "--temperature", "9", "hi"}
        }) {
            Outcome outcome = trimtab("", command);

            assertThat(outcome.exitCode()).as(String.join(" ", command)).isEqualTo(1);
            assertThat(outcome.err().lines().filter(line -> line.startsWith("trimtab: ")))
                    .hasSize(1);
            assertThat(outcome.err()).doesNotContain("\tat ");
        }
    }

    @Test
    void unknownOptionsAreRefusedWithUsage() throws IOException, InterruptedException {
        Outcome outcome = trimtab("", "run", "--temprature", "1", "hi");

        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(outcome.err()).contains("--temprature", "--temperature");
    }

    private static Outcome trimtab(String input, String... arguments) throws IOException, InterruptedException {
        Path err = Files.createTempFile("trimtab", ".err");
        try {
            Process process = PackagedServer.process(arguments)
                    .redirectError(err.toFile())
                    .start();
            try (var in = process.outputWriter(StandardCharsets.UTF_8)) {
                in.write(input);
            }
            String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            return new Outcome(process.waitFor(), out.replace("> ", ""), Files.readString(err));
        } finally {
            Files.delete(err);
        }
    }
}
