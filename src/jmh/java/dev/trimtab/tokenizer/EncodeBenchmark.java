package dev.trimtab.tokenizer;

import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.checkpoint.Metadata;
import dev.trimtab.checkpoint.MetadataValue;
import dev.trimtab.checkpoint.huggingface.SentencePieceModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
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

/// Milliseconds to encode and to decode 2²⁰ characters with a vocabulary of each kind: byte-level BPE by a
/// scanner, SentencePiece's BPE, its unigram model, and `tokenizer.json` with words and without. All but the first
/// are in the conformance data; `-p vocabulary=path` takes another GGUF, `.model` or `.json`.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class EncodeBenchmark {
    private static final int LENGTH = 1 << 20;

    @Param({
        "src/main/resources/models/demo.gguf",
        "../shared/vectors/tokenizers/ggml-vocab/ggml-vocab-llama-spm.gguf",
        "../shared/vectors/tokenizers/sentencepiece/test_model.model",
        "../shared/vectors/tokenizers/gpt2/tokenizer.json",
        "../shared/vectors/tokenizers/phi3/tokenizer.json"
    })
    String vocabulary;

    /// Prose, source code, and runs that make a word of the whole text.
    @Param({"prose", "code", "letters", "spaces"})
    String text;

    private Tokenizer tokenizer;
    private String input;
    private int[] ids;

    @Setup
    public void setUp() throws IOException {
        tokenizer = Tokenizer.of(metadata(Path.of(vocabulary)));
        String part = switch (text) {
            case "prose" -> Files.readString(Path.of("src/test/resources/demo/eval.jsonl"));
            case "code" -> Files.readString(Path.of("src/main/java/dev/trimtab/tokenizer/Vocabulary.java"));
            case "letters" -> "ab";
            default -> " ";
        };
        input = part.repeat(LENGTH / part.length() + 1).substring(0, LENGTH);
        ids = tokenizer.encode(input, Tokenizer.ControlTokens.PARSE);
    }

    private static Metadata metadata(Path path) throws IOException {
        if (path.toString().endsWith(".json")) {
            return new Metadata(
                    path.toString(),
                    Map.of("tokenizer.huggingface.json", new MetadataValue.Text(Files.readString(path))));
        }
        if (path.toString().endsWith(".model")) {
            return new Metadata(path.toString(), SentencePieceModel.read(path.toString(), Files.readAllBytes(path)));
        }
        try (Checkpoint opened = Checkpoint.open(path)) {
            return opened.metadata();
        }
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
