package dev.trimtab.compress.quantize;

import dev.trimtab.compress.matrix.Matrix;
import dev.trimtab.kernel.ComputePool;
import java.util.function.DoubleConsumer;

/// Shares the rows of a matrix out over a pool.
final class RowWork {
    /// Weights in one run of the pool: with the slowest search, 100 ns a weight, some 10 ms on two threads, after
    /// which a step of a served model has its turn.
    private static final int RUN_WEIGHTS = 1 << 18;

    private RowWork() {}

    /// Runs `body` over all rows.
    static void run(Matrix matrix, ComputePool pool, DoubleConsumer progress, ComputePool.Body body) {
        int step = Math.max(pool.threads(), RUN_WEIGHTS / matrix.columns());
        for (int first = 0; first < matrix.rows(); first += step) {
            int start = first;
            int count = Math.min(step, matrix.rows() - first);
            pool.run(count, 1, (from, to) -> body.run(start + from, start + to));
            progress.accept((double) (first + count) / matrix.rows());
        }
    }

    /// Each weight to the nearest of its levels.
    static byte[] nearest(QuantizeJob job, Levels levels) {
        Matrix matrix = job.matrix();
        byte[] codes = new byte[matrix.values().length];
        run(matrix, job.pool(), job.progress(), (from, to) -> {
            for (int row = from; row < to; row++) {
                for (int column = 0; column < matrix.columns(); column++) {
                    int i = row * matrix.columns() + column;
                    codes[i] = (byte) levels.nearest(row, column, matrix.values()[i]);
                }
            }
        });
        return codes;
    }
}
