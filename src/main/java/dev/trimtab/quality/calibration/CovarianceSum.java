package dev.trimtab.quality.calibration;

import dev.trimtab.compress.calibration.Covariance;
import dev.trimtab.error.Unsupported;
import dev.trimtab.kernel.Activations;
import dev.trimtab.kernel.ComputePool;
import dev.trimtab.kernel.PanelProduct;
import dev.trimtab.kernel.PanelProduct.Lines;
import java.util.Arrays;

/// `sum_t x_t x_t^T` in float. Vectors wait until [#DEPTH] of them are there; then the upper triangle takes their
/// product at once, 32 columns at a time, each the work of one thread. Every element is one sum in fused
/// multiply-adds, token after token, off by `T 2^-24` of the largest partial sum at most: 5e-4 for 8192 tokens in
/// the worst case, and in practice the root of that.
final class CovarianceSum {
    /// `16384^2` floats are a gigabyte; what has wider rows needs a method that asks for less.
    static final int COLUMNS_MAX = 1 << 14;

    /// Tokens that wait: the triangle, which no cache holds, is passed once for so many.
    private static final int DEPTH = 256;

    /// Columns that a thread turns at a time.
    private static final int GRAIN = 64;

    private static final int LINE = PanelProduct.LINE;

    private final PanelProduct product = PanelProduct.best();
    private final ComputePool pool;
    private final int columns;

    /// `[columns, stride]`, rows of whole lines.
    private final int stride;

    private float[] values;

    /// `[stride, DEPTH]`: what column c was for the tokens that wait.
    private final float[] waiting;

    private int held;
    private long tokens;

    /// @throws Unsupported beyond [#COLUMNS_MAX], naming `name`
    CovarianceSum(String name, int columns, ComputePool pool) {
        if (columns > COLUMNS_MAX) {
            throw new Unsupported("the covariance of the input of " + name + ": at most " + COLUMNS_MAX
                    + " columns expected, found " + columns);
        }
        this.pool = pool;
        this.columns = columns;
        this.stride = Math.ceilDiv(columns, LINE) * LINE;
        this.values = new float[columns * stride];
        this.waiting = new float[stride * DEPTH];
    }

    void add(Activations in) {
        for (int first = 0; first < in.tokens(); ) {
            int count = Math.min(in.tokens() - first, DEPTH - held);
            turn(in, first, count);
            held += count;
            first += count;
            if (held == DEPTH) {
                flush();
            }
        }
        tokens += in.tokens();
    }

    private void turn(Activations in, int first, int count) {
        float[] x = in.values();
        int from = held;
        pool.run(columns, GRAIN, (begin, end) -> {
            for (int c = begin; c < end; c++) {
                for (int t = 0; t < count; t++) {
                    waiting[c * DEPTH + from + t] = x[(first + t) * in.stride() + c];
                }
            }
        });
    }

    /// Adds the product of what waits to the rows down to a panel's own.
    private void flush() {
        int depth = held;
        pool.run(stride / LINE, 1, (from, to) -> {
            float[] lines = new float[LINE * depth];
            for (int panel = from; panel < to; panel++) {
                int at = panel * LINE;
                for (int t = 0; t < depth; t++) {
                    for (int c = 0; c < LINE; c++) {
                        lines[t * LINE + c] = waiting[(at + c) * DEPTH + t];
                    }
                }
                int rows = Math.min(columns, at + LINE);
                product.add(new Lines(lines, 0, depth), waiting, 0, DEPTH, values, at, stride, rows);
            }
        });
        held = 0;
    }

    /// The mean, both triangles; the sum's own array, so nothing can be added afterwards.
    Covariance mean() {
        flush();
        float scale = 1f / Math.max(1, tokens);
        pool.run(columns, LINE, (from, to) -> {
            for (int i = from; i < to; i++) {
                for (int j = i; j < columns; j++) {
                    values[i * stride + j] *= scale;
                }
            }
        });
        mirror();
        if (stride > columns) {
            for (int i = 0; i < columns; i++) {
                System.arraycopy(values, i * stride, values, i * columns, columns);
            }
            values = Arrays.copyOf(values, columns * columns);
        }
        return new Covariance(columns, values);
    }

    /// The lower triangle, a square of lines at a time so that caches serve both.
    private void mirror() {
        pool.run(stride / LINE, 1, (from, to) -> {
            for (int block = from; block < to; block++) {
                int end = Math.min(columns, (block + 1) * LINE);
                for (int first = 0; first <= block * LINE; first += LINE) {
                    for (int i = block * LINE; i < end; i++) {
                        for (int j = first; j < Math.min(i, first + LINE); j++) {
                            values[i * stride + j] = values[j * stride + i];
                        }
                    }
                }
            }
        });
    }
}
