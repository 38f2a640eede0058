package dev.trimtab.tokenizer;

import dev.trimtab.checkpoint.Checkpoint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/// Milliseconds to encode and to decode 2²⁰ characters with the embedded model's vocabulary, or with
/// that of another checkpoint: `-p checkpoint=path.gguf`.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class EncodeBenchmark {
    private static final int LENGTH = 1 << 20;

    @Param("src/main/resources/models/demo.gguf")
    String checkpoint;

    /// Prose, source code, and runs that make a word of the whole text.
    @Param({"prose", "code", "letters", "spaces"})
    String text;

    private Tokenizer tokenizer;
    private String input;
    private int[] ids;

    @Setup
    public void setUp() throws IOException {
        try (Checkpoint opened = Checkpoint.open(Path.of(checkpoint))) {
            tokenizer = Tokenizer.of(opened.metadata());
        }
        String part = switch (text) {
            case "prose" -> Files.readString(Path.of("src/test/resources/demo/eval.jsonl"));
            case "code" -> Files.readString(Path.of("src/main/java/dev/trimtab/tokenizer/Vocabulary.java"));
            case "letters" -> "ab";
            default -> " ";
        };
        input = part.repeat(LENGTH / part.length() + 1).substring(0, LENGTH);
        ids = tokenizer.encode(input, Tokenizer.ControlTokens.PARSE);
    }

    @Benchmark
    public int[] encode() {
        return tokenizer.encode(input, Tokenizer.ControlTokens.PARSE);
    }

    @Benchmark
    public String decode() {
        return tokenizer.decode(ids);
    }
}
