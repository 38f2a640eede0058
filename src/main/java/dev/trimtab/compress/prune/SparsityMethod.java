package dev.trimtab.compress.prune;

import dev.trimtab.compress.calibration.Inputs;
import dev.trimtab.compress.calibration.Needs;
import dev.trimtab.compress.matrix.Matrix;
import dev.trimtab.kernel.ComputePool;
import java.util.Arrays;
import java.util.Optional;
import java.util.SplittableRandom;

/// The methods that set single weights of a matrix W, `[rows, columns]`, to zero. Those of the lowest score go:
///
/// | method | score of w_ij | compete | needs | source |
/// |---|---|---|---|---|
/// | `magnitude` | `abs w` | matrix | nothing | Han et al. 2015; torch's `l1_unstructured` |
/// | `magnitude-row` | `abs w` | row | nothing | the same, as Wanda ranks |
/// | `random` | a number of the seed | matrix | nothing | the baseline that the others have to beat |
/// | `obd` | `w^2 E[x_j^2]` | matrix | statistics | LeCun et al. 1990 with the layer's Hessian `2 E[x x^T]` |
/// | `wanda` | `w^2 E[x_j^2]` | row | statistics | Sun et al. 2023, equation 1, squared |
/// | `sparsegpt` | `w^2 / U_jj^2` | 128 columns | covariance | Frantar and Alistarh 2023, algorithm 1 |
///
/// With an N:M pattern the weights that compete are M consecutive ones of a row, whatever the method. Zeros of
/// single weights make no kernel faster once weights have 8 bits or fewer; they measure a method.
public enum SparsityMethod {
    MAGNITUDE("magnitude", Needs.NOTHING, false),
    MAGNITUDE_ROW("magnitude-row", Needs.NOTHING, true),
    RANDOM("random", Needs.NOTHING, false),
    OBD("obd", Needs.STATISTICS, false),
    WANDA("wanda", Needs.STATISTICS, true),
    SPARSEGPT("sparsegpt", Needs.COVARIANCE, false);

    private final String label;
    private final Needs needs;
    private final boolean byRow;

    SparsityMethod(String label, Needs needs, boolean byRow) {
        this.label = label;
        this.needs = needs;
        this.byRow = byRow;
    }

    /// The method that recipes call `label`.
    public static Optional<SparsityMethod> of(String label) {
        return Arrays.stream(values())
                .filter(method -> method.label.equals(label))
                .findFirst();
    }

    /// As recipes spell it.
    public String label() {
        return label;
    }

    public Needs needs() {
        return needs;
    }

    /// A copy of `matrix` with zeros; what stays is as it was, but with SparseGPT, which makes up for what goes.
    ///
    /// @param inputs of which only what [#needs] says is asked
    /// @param seed of [#RANDOM]; the same seed gives the same zeros
    public Matrix prune(Matrix matrix, Inputs inputs, WeightPattern pattern, long seed, ComputePool pool) {
        return switch (this) {
            case MAGNITUDE, MAGNITUDE_ROW -> Mask.apply(matrix, magnitudes(matrix), pattern, byRow, pool);
            case RANDOM -> Mask.apply(matrix, random(matrix, seed), pattern, byRow, pool);
            case OBD, WANDA ->
                Mask.apply(matrix, saliencies(matrix, inputs.statistics().meanSquare()), pattern, byRow, pool);
            case SPARSEGPT -> SparseGpt.prune(matrix, inputs.covariance(), pattern, pool);
        };
    }

    private static float[] magnitudes(Matrix matrix) {
        float[] scores = new float[matrix.values().length];
        for (int i = 0; i < scores.length; i++) {
            scores[i] = Math.abs(matrix.values()[i]);
        }
        return scores;
    }

    private static float[] random(Matrix matrix, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        float[] scores = new float[matrix.values().length];
        for (int i = 0; i < scores.length; i++) {
            scores[i] = (float) random.nextDouble();
        }
        return scores;
    }

    /// `w_ij^2 E[x_j^2]`, what the output loses without w_ij where inputs are not correlated.
    static float[] saliencies(Matrix matrix, float[] meanSquare) {
        assert meanSquare.length == matrix.columns() : meanSquare.length;
        float[] scores = new float[matrix.values().length];
        for (int i = 0; i < scores.length; i++) {
            float w = matrix.values()[i];
            scores[i] = w * w * meanSquare[i % matrix.columns()];
        }
        return scores;
    }
}
