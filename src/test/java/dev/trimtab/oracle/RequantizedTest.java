package dev.trimtab.oracle;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.checkpoint.GgufWriter;
import dev.trimtab.kernel.Activations;
import dev.trimtab.model.ModelLoader;
import dev.trimtab.model.ModelRun;
import dev.trimtab.tensor.Dequantizer;
import dev.trimtab.tensor.Encoding;
import dev.trimtab.tensor.Tensor;
import dev.trimtab.tensor.quantize.Quantizer;
import dev.trimtab.tokenizer.Tokenizer;
import dev.trimtab.tokenizer.Tokenizer.ControlTokens;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// The embedded model encoded anew by us and written as GGUF: llama.cpp loads it and sees what we see.
class RequantizedTest {
    private static final Path DEMO = Path.of("src/main/resources/models/demo.gguf");
    private static final String PROMPT =
            "<|im_start|>user\nWhat is the capital of Norway?<|im_end|>\n<|im_start|>assistant\n";

    @TempDir
    private Path folder;

    @ParameterizedTest
    @CsvSource({
        "F32, 0",
        "F16, 1",
        "BF16, 32",
        "Q4_0, 2",
        "Q4_1, 3",
        "Q5_0, 8",
        "Q5_1, 9",
        "Q8_0, 7",
        "Q2_K, 10",
        "Q3_K, 11",
        "Q4_K, 14",
        "Q5_K, 16",
        "Q6_K, 18",
        "IQ4_NL, 25"
    })
    void llamaCppSeesWhatWeSee(Encoding encoding, int fileType) {
        Path file = folder.resolve(encoding + ".gguf");
        try (Checkpoint original = Checkpoint.open(DEMO)) {
            requantized(original, encoding).write(file);
        }

        try (Checkpoint checkpoint = Checkpoint.open(file);
                ModelRun ours = ModelRun.of(checkpoint, ModelLoader.Options.EXACT);
                LlamaCpp theirs = LlamaCpp.open(file, 128)) {
            int[] ids = Tokenizer.of(checkpoint.metadata()).encodePrompt(PROMPT, ControlTokens.PARSE);

            double difference = difference(ours.append(ids), theirs.logits(ids));

            assertThat(checkpoint.metadata().integer("general.file_type")).isEqualTo(fileType);
            assertThat(difference).isLessThan(activationError(encoding));
        }
    }

    /// llama.cpp rounds activations to what it multiplies with: nothing for F32, 2^-12 of their size for
    /// F16, 2^-9 for BF16, 8 bits a block of 32 or of 256 for the rest; found were half of these.
    private static double activationError(Encoding encoding) {
        return switch (encoding) {
            case F32 -> 1e-5;
            case F16 -> 3e-4;
            case BF16 -> 3e-3;
            default -> encoding.blockElements() == 32 ? 0.014 : 0.023;
        };
    }

    /// `original` with every matrix in `encoding`.
    private static GgufWriter requantized(Checkpoint original, Encoding encoding) {
        GgufWriter writer = new GgufWriter();
        original.metadata().values().forEach(writer::put);
        original.tensors().values().stream()
                .map(tensor -> tensor.shape().rank() < 2 ? tensor : encoded(tensor, encoding))
                .forEach(writer::tensor);
        return writer.fileType();
    }

    private static Tensor encoded(Tensor tensor, Encoding encoding) {
        int columns = Math.toIntExact(tensor.shape().columns());
        byte[] bytes =
                new byte[Math.toIntExact(encoding.sizeBytes(tensor.shape().elements()))];
        float[] row = new float[columns];
        for (int i = 0; i < tensor.shape().rows(); i++) {
            Dequantizer.decodeRow(tensor, i, row, 0);
            Quantizer.encode(encoding, row, MemorySegment.ofArray(bytes), i * encoding.sizeBytes(columns));
        }
        return new Tensor(tensor.name(), encoding, tensor.shape(), MemorySegment.ofArray(bytes));
    }

    /// `sqrt(sum (ours - theirs)^2 / sum theirs^2)` over all tokens' logits.
    private static double difference(Activations ours, float[][] theirs) {
        double error = 0;
        double total = 0;
        for (int token = 0; token < theirs.length; token++) {
            for (int i = 0; i < theirs[token].length; i++) {
                double found = ours.values()[token * ours.stride() + i] - theirs[token][i];
                error += found * found;
                total += (double) theirs[token][i] * theirs[token][i];
            }
        }
        return Math.sqrt(error / total);
    }
}
