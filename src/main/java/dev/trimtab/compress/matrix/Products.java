package dev.trimtab.compress.matrix;

import dev.trimtab.kernel.ComputePool;
import java.util.Arrays;

/// Products of matrices of floats, shared out over the compute pool.
///
/// The result is cut into tiles of [#TILE_ROWS] by [#TILE_COLUMNS], each the work of one thread: of B a block
/// of [#DEPTH] rows is copied to where it stays in the second-level cache, and four rows of A pass over it.
/// The inner loop is written for C2 to vectorize: plain arrays from index 0 on, of a fixed length, four
/// products for each of four sums. Every element is one sum over the common extent in order, in fused
/// multiply-adds, so results do not depend on the number of threads; the error of an element is at most
/// `K eps sum_k |a_ik b_kj|` for a common extent K, `eps = 2^-24`.
public final class Products {
    /// Columns of a tile: a line of B's block is 1 KiB.
    static final int TILE_COLUMNS = 256;

    /// Rows of a tile: enough to make the copy of B cheap, few enough to keep a run of the pool short.
    private static final int TILE_ROWS = 128;

    /// Rows of B copied at a time: 128 KiB, a part of the second-level cache.
    private static final int DEPTH = 128;

    /// Rows of A, and of B, taken at a time.
    private static final int STEP = 4;

    /// Multiply-adds of one run of the pool: some milliseconds, so that a step of a served model, which
    /// shares the pool, is not held up for long.
    private static final long RUN_MACS = 1L << 28;

    private Products() {}

    /// `A B` of `[M, K]` and `[K, N]`.
    public static Matrix times(Matrix a, Matrix b, ComputePool pool) {
        return product(View.of(a), View.of(b), pool);
    }

    /// `A B^T` of `[M, K]` and `[N, K]`.
    public static Matrix timesTransposed(Matrix a, Matrix b, ComputePool pool) {
        return product(View.of(a), View.of(b).transposed(), pool);
    }

    /// `A^T B` of `[K, M]` and `[K, N]`.
    public static Matrix transposedTimes(Matrix a, Matrix b, ComputePool pool) {
        return product(View.of(a).transposed(), View.of(b), pool);
    }

    private static Matrix product(View a, View b, ComputePool pool) {
        Matrix c = new Matrix(a.rows(), b.columns());
        add(a, b, 1, View.of(c), pool);
        return c;
    }

    /// `C += factor A B`; C overlaps neither, and its rows are contiguous.
    static void add(View a, View b, float factor, View c, ComputePool pool) {
        assert a.columns() == b.rows() && c.rows() == a.rows() && c.columns() == b.columns() : a + " " + b + " " + c;
        assert c.columnStride() == 1 : c;
        int across = Math.ceilDiv(c.columns(), TILE_COLUMNS);
        int tiles = Math.multiplyExact(across, Math.ceilDiv(c.rows(), TILE_ROWS));
        long tileMacs = (long) Math.min(TILE_ROWS, c.rows()) * TILE_COLUMNS * Math.max(1, a.columns());
        int step = Math.clamp(RUN_MACS / tileMacs, pool.threads(), Integer.MAX_VALUE / 2);
        for (int first = 0; first < tiles; first += step) {
            int start = first;
            pool.run(Math.min(step, tiles - first), 1, (from, to) -> {
                var tile = new Tile(a, b, factor, c);
                for (int i = start + from; i < start + to; i++) {
                    tile.add(i / across * TILE_ROWS, i % across * TILE_COLUMNS);
                }
            });
        }
    }

    /// One thread's buffers, and what it does with them. Whatever lies beyond the operands is 0 there.
    private static final class Tile {
        private final View a;
        private final View b;
        private final float factor;
        private final View c;
        private final float[][] block = new float[DEPTH][TILE_COLUMNS];
        private final float[] factors = new float[STEP * DEPTH];
        private final float[][] sums = new float[STEP][TILE_COLUMNS];

        Tile(View a, View b, float factor, View c) {
            this.a = a;
            this.b = b;
            this.factor = factor;
            this.c = c;
        }

        /// The tile of C whose first element is (`row`, `column`).
        void add(int row, int column) {
            int width = Math.min(TILE_COLUMNS, c.columns() - column);
            int end = Math.min(row + TILE_ROWS, c.rows());
            for (int k = 0; k < a.columns(); k += DEPTH) {
                int depth = Math.min(DEPTH, a.columns() - k);
                copyBlock(k, depth, column, width);
                for (int i = row; i < end; i += STEP) {
                    addRows(i, Math.min(STEP, end - i), k, depth, column, width);
                }
            }
        }

        private void copyBlock(int k, int depth, int column, int width) {
            for (float[] line : block) {
                Arrays.fill(line, 0);
            }
            if (b.columnStride() == 1) {
                for (int i = 0; i < depth; i++) {
                    System.arraycopy(b.values(), b.index(k + i, column), block[i], 0, width);
                }
            } else {
                for (int j = 0; j < width; j++) {
                    int from = b.index(k, column + j);
                    for (int i = 0; i < depth; i++) {
                        block[i][j] = b.values()[from + i * b.rowStride()];
                    }
                }
            }
        }

        private void addRows(int row, int count, int k, int depth, int column, int width) {
            Arrays.fill(factors, 0);
            for (int i = 0; i < count; i++) {
                int from = a.index(row + i, k);
                for (int d = 0; d < depth; d++) {
                    factors[d * STEP + i] = factor * a.values()[from + d * a.columnStride()];
                }
                System.arraycopy(c.values(), c.index(row + i, column), sums[i], 0, width);
            }
            int steps = Math.ceilDiv(depth, STEP);
            for (int step = 0; step < steps; step++) {
                int at = step * STEP;
                multiply(factors, at, block, sums);
            }
            for (int i = 0; i < count; i++) {
                System.arraycopy(sums[i], 0, c.values(), c.index(row + i, column), width);
            }
        }
    }

    /// `sums[i][j] += sum_k factors[4 k + i] block[k][j]` for four i and the four k from `first`. Flat, because
    /// C2 vectorizes it so.
    private static void multiply(float[] factors, int first, float[][] block, float[][] sums) {
        int at = first * STEP;
        float[] b0 = block[first];
        float[] b1 = block[first + 1];
        float[] b2 = block[first + 2];
        float[] b3 = block[first + 3];
        float[] s0 = sums[0];
        float[] s1 = sums[1];
        float[] s2 = sums[2];
        float[] s3 = sums[3];
        float a00 = factors[at];
        float a10 = factors[at + 1];
        float a20 = factors[at + 2];
        float a30 = factors[at + 3];
        float a01 = factors[at + 4];
        float a11 = factors[at + 5];
        float a21 = factors[at + 6];
        float a31 = factors[at + 7];
        float a02 = factors[at + 8];
        float a12 = factors[at + 9];
        float a22 = factors[at + 10];
        float a32 = factors[at + 11];
        float a03 = factors[at + 12];
        float a13 = factors[at + 13];
        float a23 = factors[at + 14];
        float a33 = factors[at + 15];
        for (int j = 0; j < TILE_COLUMNS; j++) {
            float x0 = b0[j];
            float x1 = b1[j];
            float x2 = b2[j];
            float x3 = b3[j];
            s0[j] = Math.fma(a03, x3, Math.fma(a02, x2, Math.fma(a01, x1, Math.fma(a00, x0, s0[j]))));
            s1[j] = Math.fma(a13, x3, Math.fma(a12, x2, Math.fma(a11, x1, Math.fma(a10, x0, s1[j]))));
            s2[j] = Math.fma(a23, x3, Math.fma(a22, x2, Math.fma(a21, x1, Math.fma(a20, x0, s2[j]))));
            s3[j] = Math.fma(a33, x3, Math.fma(a32, x2, Math.fma(a31, x1, Math.fma(a30, x0, s3[j]))));
        }
    }
}
