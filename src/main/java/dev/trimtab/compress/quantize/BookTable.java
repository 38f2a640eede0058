package dev.trimtab.compress.quantize;

import dev.trimtab.compress.calibration.Covariance;
import dev.trimtab.compress.matrix.Matrix;
import dev.trimtab.tensor.TensorForm;

/// Weight sharing: codebooks of rows, found by [LineClusters], and their refinement once every weight has its
/// centroid. Centroids are f16 numbers.
///
/// n weights with k centroids of b bits take `n log2 k + k b` bits: 16 weights of 32 bits, 512, become `16 * 2 + 4 *
/// 32` = 160 with four centroids of 32 bits, and 96 with ours of 16.
final class BookTable implements Levels {
    /// Weights' bits for each bit of their centroids, at the least: books cost a sixteenth at most.
    private static final int SHARE = 16;

    /// Share of the mean diagonal that holds a refined centroid to where it was: enough for those that no weight
    /// uses.
    private static final double RIDGE = 1e-6;

    private static final float F16_MAX = 65_504;

    private final int bits;
    private final int rowsPerBook;
    private final float[] centroids;

    private BookTable(int bits, int rowsPerBook, int books) {
        this.bits = bits;
        this.rowsPerBook = rowsPerBook;
        this.centroids = new float[books << bits];
    }

    /// Bits that `weights` codes of `log2(centroids)` bits and their centroids take.
    static long sizeBits(long weights, int centroids, int centroidBits) {
        return weights * Integer.numberOfTrailingZeros(centroids) + (long) centroids * centroidBits;
    }

    /// Rows that share a book: a power of two, as few as leave the book small beside its codes.
    static int rowsPerBook(int columns, int bits) {
        long needed = ((long) SHARE * Short.SIZE) << bits;
        long rows = Math.ceilDiv(needed, (long) columns * bits);
        return rows <= 1 ? 1 : Math.toIntExact(Long.highestOneBit(rows - 1) << 1);
    }

    /// Clusters `job`'s matrix with one importance a column.
    static BookTable of(QuantizeJob job, int bits, float[] importance) {
        Matrix matrix = job.matrix();
        int shared = Math.min(rowsPerBook(matrix.columns(), bits), Integer.highestOneBit(matrix.rows() * 2 - 1));
        BookTable table = new BookTable(bits, shared, Math.ceilDiv(matrix.rows(), shared));
        Matrix perBook = new Matrix(table.books(), 1);
        RowWork.run(perBook, job.pool(), _ -> {}, (from, to) -> {
            LineClusters clusters = new LineClusters(1 << bits);
            for (int book = from; book < to; book++) {
                table.cluster(book, matrix, importance, clusters);
            }
        });
        return table;
    }

    private int books() {
        return centroids.length >> bits;
    }

    private void cluster(int book, Matrix matrix, float[] importance, LineClusters clusters) {
        int columns = matrix.columns();
        int first = book * rowsPerBook;
        int rows = Math.min(rowsPerBook, matrix.rows() - first);
        float[] numbers = new float[rows * columns];
        float[] weights = new float[rows * columns];
        System.arraycopy(matrix.values(), first * columns, numbers, 0, numbers.length);
        for (int row = 0; row < rows; row++) {
            System.arraycopy(importance, 0, weights, row * columns, columns);
        }
        clusters.find(numbers, weights, centroids, book << bits);
        for (int i = book << bits; i < (book + 1) << bits; i++) {
            centroids[i] = half(centroids[i]);
        }
    }

    private static float half(double value) {
        float clamped = (float) Math.clamp(value, -F16_MAX, F16_MAX);
        return Float.float16ToFloat(Float.floatToFloat16(clamped));
    }

    /// By halving: the centroids of a book ascend until they are refined.
    @Override
    public int nearest(int row, int column, float weight) {
        int book = (row / rowsPerBook) << bits;
        int low = 0;
        int high = (1 << bits) - 1;
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (weight > (centroids[book + middle] + centroids[book + middle + 1]) / 2) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

    @Override
    public float value(int row, int column, int code) {
        return centroids[((row / rowsPerBook) << bits) + code];
    }

    @Override
    public TensorForm form(Matrix matrix, byte[] codes) {
        return new TensorForm.Codebook(matrix.shape(), bits, rowsPerBook, centroids, codes);
    }

    /// Moves the centroids to where the error of the outputs is least for these codes: with P the assignment of a
    /// row's weights, `(w - P c)^T C (w - P c)` summed over the book's rows is least at the solution of
    ///
    ///     (sum P^T C P) c = sum P^T C w,
    ///
    /// which is also where summing the gradients of all weights of a cluster would end. Time: `rows columns^2`.
    void refine(QuantizeJob job, byte[] codes, Covariance covariance) {
        Matrix matrix = job.matrix();
        for (int first = 0; first < books(); first += job.pool().threads()) {
            int start = first;
            int count = Math.min(job.pool().threads(), books() - first);
            job.pool().run(count, 1, (from, to) -> {
                for (int book = start + from; book < start + to; book++) {
                    refine(book, matrix, codes, covariance);
                }
            });
            job.progress().accept((double) (first + count) / books());
        }
    }

    private void refine(int book, Matrix matrix, byte[] codes, Covariance covariance) {
        NormalEquations equations = new NormalEquations(1 << bits);
        int last = Math.min((book + 1) * rowsPerBook, matrix.rows());
        for (int row = book * rowsPerBook; row < last; row++) {
            equations.add(matrix, row, codes, covariance);
        }
        double[] before = new double[1 << bits];
        for (int i = 0; i < before.length; i++) {
            before[i] = centroids[(book << bits) + i];
        }
        double[] after = equations.solve(before, RIDGE);
        for (int i = 0; i < after.length; i++) {
            after[i] = half(after[i]);
        }
        if (equations.error(after) < equations.error(before)) {
            for (int i = 0; i < after.length; i++) {
                centroids[(book << bits) + i] = (float) after[i];
            }
        }
    }
}
