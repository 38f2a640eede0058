package dev.trimtab.api.openai;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import dev.trimtab.api.http.JsonReader;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/// OpenAI's npm client, driven by src/test/js/conformance.mjs, against a server that serves the model `demo`.
/// Skipped, visibly, where node or npm is absent or npm cannot fetch the client.
public abstract class NodeSdkContract {
    private static final Path SOURCE = Path.of("src/test/js");
    private static final Path WORK = Path.of("target/js");
    private static final List<String> FILES = List.of("package.json", "package-lock.json", ".npmrc", "conformance.mjs");
    private static final int PATIENCE_SECONDS = 120;

    /// Where the server listens: `http://127.0.0.1:8080`.
    protected abstract URI server();

    /// Returns once no sequence runs; fails after a while.
    protected abstract void awaitNothingRunning() throws Exception;

    @TestFactory
    List<DynamicTest> npmClient() throws Exception {
        install();

        Outcome outcome = run(Map.of("TRIMTAB_URL", server().toString()), "node", "conformance.mjs");

        assertThat(outcome.good()).as(outcome.output()).isTrue();
        List<DynamicTest> tests = new ArrayList<>();
        for (String line : outcome.output().lines().toList()) {
            if (JsonReader.read(line) instanceof Map<?, ?> check) {
                tests.add(dynamicTest(
                        String.valueOf(check.get("name")),
                        () -> assertThat(check.get("failure")).isNull()));
            }
        }
        assertThat(tests).hasSizeGreaterThan(5);
        tests.add(dynamicTest("nothing runs afterwards", this::awaitNothingRunning));
        return tests;
    }

    // Once per lock file: npm leaves a mark of its own when it is done.
    private static void install() throws Exception {
        Files.createDirectories(WORK);
        run(Map.of(), "node", "--version").orElseSkipping("node");
        Path mark = WORK.resolve("node_modules/.package-lock.json");
        boolean current = Files.exists(mark)
                && Files.exists(WORK.resolve("package-lock.json"))
                && Files.mismatch(SOURCE.resolve("package-lock.json"), WORK.resolve("package-lock.json")) < 0;
        for (String file : FILES) {
            Files.copy(SOURCE.resolve(file), WORK.resolve(file), StandardCopyOption.REPLACE_EXISTING);
        }
        if (!current) {
            run(Map.of(), "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
                    .orElseSkipping("npm ci");
        }
    }

    private static Outcome run(Map<String, String> environment, String... command) throws Exception {
        Path out = Files.createTempFile(WORK, "out", ".txt");
        try {
            ProcessBuilder builder = new ProcessBuilder(command)
                    .directory(WORK.toFile())
                    .redirectErrorStream(true)
                    .redirectOutput(out.toFile());
            builder.environment().putAll(environment);
            Process process = builder.start();
            if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                return new Outcome(false, "no end within " + PATIENCE_SECONDS + " s");
            }
            return new Outcome(process.exitValue() == 0, Files.readString(out));
        } catch (IOException e) {
            return new Outcome(false, String.valueOf(e.getMessage()));
        } finally {
            Files.deleteIfExists(out);
        }
    }

    private record Outcome(boolean good, String output) {
        void orElseSkipping(String what) {
            if (!good) {
                System.err.println("SKIPPED, " + what + " does not run here: " + output);
            }
            assumeTrue(good, () -> what + " does not run here: " + output);
        }
    }
}
