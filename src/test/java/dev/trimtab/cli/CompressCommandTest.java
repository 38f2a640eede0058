package dev.trimtab.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/// `trimtab compress` as people use it.
class CompressCommandTest {
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @TempDir
    private Path folder;

    private int run(String... args) {
        return new CommandLine(new Main())
                .setOut(new PrintWriter(out))
                .setErr(new PrintWriter(err))
                .setExecutionExceptionHandler((failure, command, _) -> {
                    command.getErr().println(failure.getMessage());
                    return 1;
                })
                .execute(args);
    }

    @Test
    void saysWhatItWroteAndHow() {
        Path file = folder.resolve("small.gguf");

        int status = run("compress", "--recipe", "int4", "-o", file.toString());

        assertThat(status).isZero();
        assertThat(out.toString())
                .contains("43 tensors: Q4_0, the codes of int4", "13 tensors: F32, as it is made", file.toString());
        assertThat(file).exists();
    }

    @Test
    void writesALockAndObeysIt() throws IOException {
        Path lock = folder.resolve("small.lock");
        String[] arguments = {
            "compress",
            "--recipe",
            "int4",
            "--lock",
            lock.toString(),
            "-o",
            folder.resolve("a.gguf").toString()
        };

        assertThat(run(arguments)).isZero();
        byte[] written = Files.readAllBytes(lock);
        arguments[6] = folder.resolve("b.gguf").toString();
        assertThat(run(arguments)).isZero();

        assertThat(lock).hasBinaryContent(written);
        assertThat(folder.resolve("b.gguf")).hasSameBinaryContentAs(folder.resolve("a.gguf"));
    }

    @Test
    void refusesTheLockOfAnotherRecipeAndOneThatIsNone() throws IOException {
        Path lock = folder.resolve("small.lock");
        Path file = folder.resolve("small.gguf");
        run("compress", "--recipe", "int8", "--lock", lock.toString(), "-o", file.toString());
        Files.delete(file);

        assertThat(run("compress", "--recipe", "int4", "--lock", lock.toString(), "-o", file.toString()))
                .isNotZero();
        assertThat(err.toString()).contains("small.lock: recipe: expected");
        Files.writeString(lock, "{\"version\": 1");
        assertThat(run("compress", "--recipe", "int8", "--lock", lock.toString(), "-o", file.toString()))
                .isNotZero();
        assertThat(err.toString()).contains("small.lock:1:", "no lock");

        assertThat(file).doesNotExist();
    }

    @Test
    void aLockIsOfOneRecipe() {
        assertThat(run("eval", "--recipe", "int4,int8", "--lock", "a.lock", "--text", "README.md"))
                .isNotZero();
        assertThat(run("run", "--lock", "a.lock", "hello")).isNotZero();

        assertThat(err.toString()).contains("of one --recipe, found 2", "of one --recipe, found 0");
    }

    @Test
    void doesNotWriteOverTheCheckpoint() throws IOException {
        Path file = Files.copy(Path.of("src/main/resources/models/demo.gguf"), folder.resolve("demo.gguf"));
        long sizeBytes = Files.size(file);

        int status = run("compress", "--model", file.toString(), "--recipe", "int4", "-o", file.toString());

        assertThat(status).isNotZero();
        assertThat(err.toString()).contains("that is the checkpoint itself");
        assertThat(Files.size(file)).isEqualTo(sizeBytes);
    }

    @Test
    void saysThatThereIsNoFolderToWriteTo() {
        int status = run(
                "compress",
                "--recipe",
                "int4",
                "-o",
                folder.resolve("none/out.gguf").toString());

        assertThat(status).isNotZero();
        assertThat(err.toString()).contains("there is no folder");
    }
}
