package dev.trimtab.compress.prune;

import static dev.trimtab.tensor.TensorForm.VectorSparse.PANEL;

import dev.trimtab.compress.calibration.Covariance;
import dev.trimtab.compress.matrix.Matrix;
import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.BadConfiguration;
import dev.trimtab.error.Unsupported;
import dev.trimtab.kernel.ComputePool;
import dev.trimtab.tensor.Encoding;
import dev.trimtab.tensor.Shape;
import dev.trimtab.tensor.Tensor;
import dev.trimtab.tensor.TensorForm;
import dev.trimtab.tensor.quantize.Quantizer;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Vectors of 32 weights, a column's in a panel of 32 rows as the kernels have them, kept or removed together:
/// the only sparsity within a matrix that makes it faster, in proportion to the density. The score of a vector
/// is `sum w^2` over its rows, times `E[x_j^2]` where it is known (OBD's, summed). All vectors of a matrix
/// compete, but each panel keeps one.
///
/// @param kept the columns that each panel keeps, ascending
public record VectorSparsity(List<int[]> kept) {
    /// The largest magnitude of f16.
    private static final float F16_MAX = 65_504;

    public VectorSparsity {
        kept = List.copyOf(kept);
    }

    /// Chooses by magnitude.
    ///
    /// @param density share of vectors that stay, above 0 and up to 1
    /// @throws BadConfiguration for a density outside
    public static VectorSparsity byMagnitude(Matrix matrix, double density) {
        float[] ones = new float[matrix.columns()];
        Arrays.fill(ones, 1);
        return bySaliency(matrix, ones, density);
    }

    /// Chooses by what the output loses.
    ///
    /// @param meanSquare `E[x_j^2]`
    /// @param density share of vectors that stay, above 0 and up to 1
    /// @throws BadConfiguration for a density outside
    /// @throws BadCheckpoint where a score is not finite
    public static VectorSparsity bySaliency(Matrix matrix, float[] meanSquare, double density) {
        if (!(density > 0 && density <= 1)) {
            throw new BadConfiguration("density " + density + ": a number above 0 and up to 1 expected");
        }
        int columns = matrix.columns();
        int panels = Math.ceilDiv(matrix.rows(), PANEL);
        double[] scores = scores(matrix, meanSquare, panels);
        protectBest(scores, panels, columns);
        double[] sorted = scores.clone();
        Arrays.sort(sorted);
        int keep = Math.clamp(Math.round(density * scores.length), panels, scores.length);
        double threshold = sorted[scores.length - keep];
        int ties = keep
                - (int) Arrays.stream(scores).filter(score -> score > threshold).count();
        List<int[]> kept = new ArrayList<>();
        for (int panel = 0; panel < panels; panel++) {
            int[] list = new int[columns];
            int count = 0;
            for (int j = 0; j < columns; j++) {
                double score = scores[panel * columns + j];
                if (score > threshold || (score == threshold && ties-- > 0)) {
                    list[count++] = j;
                }
            }
            kept.add(Arrays.copyOf(list, count));
        }
        return new VectorSparsity(kept);
    }

    private static double[] scores(Matrix matrix, float[] meanSquare, int panels) {
        int columns = matrix.columns();
        double[] scores = new double[Math.multiplyExact(panels, columns)];
        for (int row = 0; row < matrix.rows(); row++) {
            for (int j = 0; j < columns; j++) {
                double w = matrix.at(row, j);
                scores[row / PANEL * columns + j] += w * w * meanSquare[j];
            }
        }
        for (int i = 0; i < scores.length; i++) {
            if (!Double.isFinite(scores[i])) {
                throw BadCheckpoint.mismatch(
                        "the score of column " + i % columns + " in panel " + i / columns,
                        "a finite number",
                        scores[i]);
            }
        }
        return scores;
    }

    /// The highest of each panel is above all.
    private static void protectBest(double[] scores, int panels, int columns) {
        for (int panel = 0; panel < panels; panel++) {
            int best = panel * columns;
            for (int i = best; i < (panel + 1) * columns; i++) {
                best = scores[i] > scores[best] ? i : best;
            }
            scores[best] = Double.POSITIVE_INFINITY;
        }
    }

    /// Share of vectors that stay.
    public double density(int columns) {
        return (double) lines() / ((long) kept.size() * columns);
    }

    private int lines() {
        return kept.stream().mapToInt(list -> list.length).sum();
    }

    /// Multiply-adds of [#compensated]: `sum k^3 / 3` over the panels. For 2048 columns and a half of 64
    /// panels 23 G, some seconds; for 8192 columns 1500 G, minutes, which a caller may find too long.
    public double compensationCost() {
        return kept.stream().mapToDouble(list -> Math.pow(list.length, 3) / 3).sum();
    }

    /// `matrix` with what goes put onto what stays, panel by panel: `W_k + W_p C_pk (C_kk + lambda I)^-1`
    /// ([Compensated#linear]). What goes is not zeroed.
    public Matrix compensated(Matrix matrix, Covariance covariance, ComputePool pool) {
        Matrix result = matrix.copy();
        int columns = matrix.columns();
        for (int panel = 0; panel < kept.size(); panel++) {
            int from = panel * PANEL;
            int rows = Math.min(PANEL, matrix.rows() - from);
            float[] values = Arrays.copyOfRange(matrix.values(), from * columns, (from + rows) * columns);
            Matrix part = Compensated.linear(new Matrix(rows, columns, values), kept.get(panel), covariance, pool)
                    .matrix();
            for (int row = 0; row < rows; row++) {
                for (int k = 0; k < part.columns(); k++) {
                    result.values()[(from + row) * columns + kept.get(panel)[k]] = part.at(row, k);
                }
            }
        }
        return result;
    }

    /// The kept vectors of `matrix`, which is the one they were chosen from or [#compensated].
    ///
    /// @param encoding of the vectors: `Q8_0`, where one shares a scale, or `F16`
    /// @throws Unsupported for another encoding
    /// @throws BadCheckpoint where a weight does not fit f16
    public TensorForm.VectorSparse form(String name, Matrix matrix, Encoding encoding) {
        if (encoding != Encoding.Q8_0 && encoding != Encoding.F16) {
            throw new Unsupported("tensor " + name + ": vectors in Q8_0 or F16 expected, found " + encoding);
        }
        int[] starts = new int[kept.size() + 1];
        for (int panel = 0; panel < kept.size(); panel++) {
            starts[panel + 1] = starts[panel] + kept.get(panel).length;
        }
        float[] lines = new float[Math.multiplyExact(lines(), PANEL)];
        int next = 0;
        for (int panel = 0; panel < kept.size(); panel++) {
            for (int column : kept.get(panel)) {
                for (int row = panel * PANEL; row < Math.min(matrix.rows(), (panel + 1) * PANEL); row++) {
                    lines[next + row % PANEL] = fitting(name, matrix.at(row, column), encoding);
                }
                next += PANEL;
            }
        }
        byte[] bytes = new byte[Math.toIntExact(encoding.sizeBytes(lines.length))];
        Quantizer.encode(encoding, lines, MemorySegment.ofArray(bytes), 0);
        Shape shape = Shape.of(lines(), PANEL);
        return new TensorForm.VectorSparse(
                matrix.shape(),
                starts,
                kept.stream().flatMapToInt(Arrays::stream).toArray(),
                new Tensor(name, encoding, shape, MemorySegment.ofArray(bytes)));
    }

    private static float fitting(String name, float weight, Encoding encoding) {
        if (encoding == Encoding.F16 && !(Math.abs(weight) <= F16_MAX)) {
            throw BadCheckpoint.mismatch("tensor " + name, "weights that fit F16", weight);
        }
        return weight;
    }
}
