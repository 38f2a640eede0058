package dev.trimtab.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.kernel.Activations;
import dev.trimtab.oracle.LlamaCpp;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.DoubleStream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Every family's logits on random weights: against llama.cpp where b4916 has the family, and against a
/// float64 pass of our own for all.
class FamilyTest {
    private static final int LENGTH = 40;

    @TempDir
    private Path folder;

    @ParameterizedTest
    @EnumSource(Families.Case.class)
    void givesTheReferencesLogits(Families.Case family) {
        Path file = write(family);
        int[] ids = ids();
        try (Checkpoint checkpoint = Checkpoint.open(file)) {
            assertSameLogits(file, ids, new ReferencePass(checkpoint).logits(ids), 2e-4);
        }
    }

    /// Not the families that it came before, nor the windows of Mistral and Phi 3, which it does not keep. Its
    /// GELU is a table of f16, and BitNet's rounding it leaves to the encodings.
    @ParameterizedTest
    @EnumSource(
            value = Families.Case.class,
            mode = EnumSource.Mode.EXCLUDE,
            names = {"DECI_WITHOUT_FEED_FORWARD", "MISTRAL", "PHI3_WINDOW", "SMOLLM3", "QWEN3", "QWEN3MOE"})
    void givesLlamaCppsLogits(Families.Case family) {
        Path file = write(family);
        int[] ids = ids();
        double tolerance = switch (family) {
            case GEMMA, GEMMA2, GEMMA3, GPT2 -> 3e-3;
            case BITNET -> 0.1;
            default -> 2e-4;
        };
        try (LlamaCpp llama = LlamaCpp.open(file, Families.CONTEXT)) {
            double[][] expected = Arrays.stream(llama.logits(ids))
                    .map(row -> {
                        double[] wide = new double[row.length];
                        Arrays.setAll(wide, i -> row[i]);
                        return wide;
                    })
                    .toArray(double[][]::new);

            assertSameLogits(file, ids, expected, tolerance);
        }
    }

    private Path write(Families.Case family) {
        return family.make().write(folder.resolve("model.gguf"), Families.VOCAB);
    }

    private static int[] ids() {
        return new Random(3).ints(LENGTH, 0, 256).toArray();
    }

    /// As one batch, in pieces, and token by token.
    private static void assertSameLogits(Path file, int[] ids, double[][] expected, double tolerance) {
        try (ModelRun run = ModelRun.of(file, ModelLoader.Options.EXACT)) {
            for (int step : new int[] {LENGTH, 7, 1}) {
                run.restart();
                for (int from = 0; from < LENGTH; from += step) {
                    int[] piece = Arrays.copyOfRange(ids, from, Math.min(LENGTH, from + step));
                    Activations logits = run.append(piece);
                    for (int t = 0; t < piece.length; t++) {
                        assertClose(logits, t, expected[from + t], tolerance, from + t);
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Families.Case.class)
    void givesTokenSameBitsHoweverTheSequenceIsCut(Families.Case family) {
        int[] ids = ids();
        try (ModelRun run = ModelRun.of(write(family), ModelLoader.Options.EXACT)) {
            float[] whole = run.logitsAfter(ids);
            run.restart().append(Arrays.copyOf(ids, LENGTH - 1));

            float[] last = run.logitsAfter(ids[LENGTH - 1]);

            assertThat(last).isEqualTo(whole);
        }
    }

    /// Within `tolerance` of the largest logit.
    private static void assertClose(Activations logits, int row, double[] expected, double tolerance, int position) {
        double largest = DoubleStream.of(expected).map(Math::abs).max().orElseThrow();
        for (int id = 0; id < expected.length; id++) {
            assertThat((double) logits.values()[row * logits.stride() + id])
                    .as("logit of %d at position %d", id, position)
                    .isCloseTo(expected[id], within(tolerance * largest));
        }
    }
}
