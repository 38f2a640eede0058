package dev.trimtab.compress.quantize;

import dev.trimtab.compress.calibration.Covariance;
import dev.trimtab.compress.matrix.Matrix;
import dev.trimtab.compress.matrix.UpperFactor;
import dev.trimtab.error.BadConfiguration;
import dev.trimtab.kernel.PanelProduct;
import dev.trimtab.kernel.PanelProduct.Lines;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Optional;
import java.util.stream.IntStream;

/// GPTQ: columns are rounded one after the other, and what rounding a column cost is made up for in the columns
/// not rounded yet, so that `(w - q)^T C (w - q)`, the output's error, is small and not the weights'.
///
/// With `C + lambda I = R R^T`, R upper triangular ([UpperFactor]), and levels fixed beforehand, for each row
///
///     u_k = w_k + sum_(j<k) (w_j - q_j) R_jk / R_kk
///     q_k = nearest level of u_k.
///
/// That is the method of E. Frantar et al., "GPTQ: Accurate Post-Training Quantization for Generative Pre-trained
/// Transformers", 2023 (algorithm 1), in the form of J. Chee et al., "QuIP: 2-Bit Quantization of Large Language
/// Models With Guarantees", 2023 (section 3.1, theorem 6: the two are equal): their `U = chol(H^-1)` is `R^-1`, and
/// no inverse is needed. As there, `lambda` is a share of the mean diagonal, columns whose input was always zero
/// become zero, and columns go in blocks of 128: within a block one by one, then one product for all columns
/// behind it.
///
/// Memory: `n^2` floats beside the covariance, and some rows. Time: `n^3 / 6 + m n^2 / 2` multiply-adds.
public final class Gptq {
    private static final int BLOCK = 128;

    /// Rows of a run for each thread: one run reads a stretch of the factor once, and stays at some 10
    /// milliseconds for 8192 columns.
    private static final int ROWS_PER_THREAD = 128;

    /// Rows of a chunk: enough to pay for reading the factor from memory.
    private static final int GRAIN = 32;

    /// Tenfold more damping is tried so often.
    private static final int DAMPING_TRIES = 4;

    /// @param damping lambda as a share of the mean diagonal; the paper's is 0.01
    /// @param order in which columns are rounded
    public record Options(double damping, Order order) {
        public static final Options DEFAULT = new Options(0.01, Order.AS_STORED);

        /// @throws BadConfiguration where the damping is not in `0..1`
        public Options {
            if (!(damping >= 0 && damping <= 1)) {
                throw new BadConfiguration("dampening: a share in 0..1 expected, found " + damping);
            }
        }
    }

    /// Which columns are rounded first.
    public enum Order {
        AS_STORED,
        /// Those of the greatest `E[x_j^2]` first, while most columns can still make up for them ("act-order").
        DESCENDING
    }

    private final QuantizeJob job;
    private final Matrix matrix;
    private final Levels levels;
    private final boolean[] dead;
    private final int[] order;
    private final UpperFactor factor;
    private final byte[] codes;
    private final PanelProduct product = PanelProduct.best();

    private Gptq(QuantizeJob job, Levels levels, Covariance covariance) {
        this.job = job;
        this.matrix = job.matrix();
        this.levels = levels;
        this.dead = new boolean[matrix.columns()];
        float[] diagonal = QuantizeJob.diagonal(covariance);
        for (int i = 0; i < dead.length; i++) {
            dead[i] = diagonal[i] == 0;
        }
        this.order = order(diagonal, job.gptq().order());
        this.factor = factor(covariance, diagonal);
        this.codes = new byte[matrix.values().length];
    }

    /// The codes of `job`'s matrix, one byte a weight, row-major.
    ///
    /// @throws BadConfiguration where the covariance is not positive definite, however damped
    static byte[] round(QuantizeJob job, Levels levels, Covariance covariance) {
        Gptq gptq = new Gptq(job, levels, covariance);
        gptq.roundAll();
        return gptq.codes;
    }

    private static int[] order(float[] diagonal, Order order) {
        IntStream columns = IntStream.range(0, diagonal.length);
        return switch (order) {
            case AS_STORED -> columns.toArray();
            case DESCENDING ->
                columns.boxed()
                        .sorted(Comparator.comparingDouble(i -> -diagonal[i]))
                        .mapToInt(Integer::intValue)
                        .toArray();
        };
    }

    private UpperFactor factor(Covariance covariance, float[] diagonal) {
        double mean = Arrays.stream(order).mapToDouble(i -> diagonal[i]).sum() / order.length;
        double share = job.gptq().damping();
        for (int i = 0; i < DAMPING_TRIES; i++) {
            float lambda = (float) (share * mean);
            Optional<UpperFactor> found = UpperFactor.of(
                    order.length, (row, column) -> damped(covariance, order[row], order[column], lambda), job.pool());
            if (found.isPresent()) {
                found.get().divideByDiagonal();
                return found.get();
            }
            share = Math.max(10 * share, 1e-6);
        }
        throw new BadConfiguration(
                "covariance of the inputs of " + job.name() + ": a positive definite matrix expected;"
                        + " it is none, even damped by " + share / 10 + " of its mean diagonal");
    }

    private float damped(Covariance covariance, int row, int column, float lambda) {
        if (row != column) {
            return covariance.at(row, column);
        }
        return dead[row] ? 1 : covariance.at(row, row) + lambda;
    }

    private void roundAll() {
        int step = ROWS_PER_THREAD * job.pool().threads();
        Batch batch = new Batch(Math.min(step, matrix.rows()));
        for (int first = 0; first < matrix.rows(); first += step) {
            int count = Math.min(step, matrix.rows() - first);
            batch.load(first, count);
            for (int column = 0; column < order.length; column += BLOCK) {
                int start = column;
                job.pool().run(count, GRAIN, (from, to) -> batch.round(start, from, to));
            }
            job.progress().accept((double) (first + count) / matrix.rows());
        }
    }

    /// Some rows on their way through all columns; columns in the order of rounding.
    private final class Batch {
        private final int stride = factor.padded();

        /// u, `[rows, stride]`.
        private final float[] wanted;

        /// `w - q` of the block, `[rows, BLOCK]`.
        private final float[] errors;

        private int first;

        Batch(int rows) {
            this.wanted = new float[Math.multiplyExact(rows, stride)];
            this.errors = new float[rows * BLOCK];
        }

        void load(int first, int count) {
            this.first = first;
            for (int row = 0; row < count; row++) {
                for (int k = 0; k < order.length; k++) {
                    wanted[row * stride + k] = weight(first + row, order[k]);
                }
            }
        }

        private float weight(int row, int column) {
            return dead[column] ? 0 : matrix.at(row, column);
        }

        /// One block of columns of the rows `[from, to)`, and what it means for the columns behind.
        void round(int start, int from, int to) {
            int end = Math.min(start + BLOCK, order.length);
            for (int row = from; row < to; row++) {
                roundRow(row, start, end);
            }
            for (int panel = Math.ceilDiv(end, UpperFactor.PANEL); panel < stride / UpperFactor.PANEL; panel++) {
                int at = from * stride + panel * UpperFactor.PANEL;
                Lines lines = factor.lines(panel, start, end - start);
                product.add(lines, errors, from * BLOCK, BLOCK, wanted, at, stride, to - from);
            }
        }

        private void roundRow(int row, int start, int end) {
            for (int k = start; k < end; k++) {
                int column = order[k];
                int code = levels.nearest(first + row, column, wanted[row * stride + k]);
                codes[(first + row) * matrix.columns() + column] = (byte) code;
                float error = weight(first + row, column) - levels.value(first + row, column, code);
                errors[row * BLOCK + k - start] = error;
                for (int l = k + 1; l < end; l++) {
                    wanted[row * stride + l] += error * factor.at(k, l);
                }
            }
        }
    }
}
