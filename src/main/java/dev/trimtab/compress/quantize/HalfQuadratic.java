package dev.trimtab.compress.quantize;

import dev.trimtab.tensor.quantize.CodeGrid;
import dev.trimtab.tensor.quantize.CodeKind;

/// HQQ: the zero point of a group that makes `sum |w - d (q - z)|^p`, p = 0.7, small, for the scale d of the
/// farthest weights. The few weights far from any code count less than in a sum of squares.
///
/// The error is split in two by an auxiliary e, and both halves solved in turn, while beta grows:
///
///     q = clamp(round(w / d + z))
///     e = shrink(w / d + z - q),   shrink(t) = sign(t) max(0, |t| - |t|^(p-1) / beta)
///     z = mean(q + e - w / d)
///
/// Of all z met, that with the least sum is taken, the one of the farthest weights included, each as the f16
/// minimum `-d z` that is kept. Source: H. Badri and A. Shaji, "Half-Quadratic Quantization of Large Machine
/// Learning Models", 2023, with its constants. We differ in measuring errors in steps d (theirs are the weights'
/// own, so that beta means something else in each layer).
final class HalfQuadratic {
    private static final double P = 0.7;
    private static final double BETA = 10;
    private static final double BETA_GROWTH = 1.01;
    private static final int ROUNDS = 20;

    private HalfQuadratic() {}

    /// A [GridTable.Fit] for codes with a minimum.
    static CodeGrid grid(CodeKind kind, float[] weights, int from, int count) {
        CodeGrid best = kind.extremes(weights, from, count);
        if (best.scale() == 0) {
            return best;
        }
        float scale = best.scale();
        CodeGrid tried = best;
        double least = error(tried, weights, from, count);
        double beta = BETA;
        for (int round = 0; round < ROUNDS; round++) {
            tried = CodeGrid.of(kind, scale, next(tried, beta, weights, from, count));
            double error = error(tried, weights, from, count);
            if (error >= least) {
                return best;
            }
            least = error;
            best = tried;
            beta *= BETA_GROWTH;
        }
        return best;
    }

    /// `-d z` of the next round: the mean of `w - d (q + e)`.
    private static float next(CodeGrid grid, double beta, float[] weights, int from, int count) {
        double sum = 0;
        for (int i = from; i < from + count; i++) {
            int code = grid.code(weights[i]);
            double error = (weights[i] - grid.value(code)) / grid.scale();
            sum += weights[i] - grid.scale() * (code + shrink(error, beta));
        }
        return (float) (sum / count);
    }

    private static double shrink(double error, double beta) {
        double magnitude = Math.abs(error);
        return magnitude == 0 ? 0 : Math.copySign(Math.max(0, magnitude - Math.pow(magnitude, P - 1) / beta), error);
    }

    /// `sum |w - value|^p`
    static double error(CodeGrid grid, float[] weights, int from, int count) {
        double sum = 0;
        for (int i = from; i < from + count; i++) {
            sum += Math.pow(Math.abs(weights[i] - grid.value(grid.code(weights[i]))), P);
        }
        return sum;
    }
}
