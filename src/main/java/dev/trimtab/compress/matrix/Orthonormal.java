package dev.trimtab.compress.matrix;

import dev.trimtab.kernel.ComputePool;
import java.util.Arrays;
import java.util.Random;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.factory.DecompositionFactory_DDRM;
import org.ejml.interfaces.decomposition.QRDecomposition;

/// Makes the rows of a wide matrix orthonormal, their span kept: the QR decomposition of its transpose,
/// without R.
///
/// Block Gram-Schmidt with every block done twice (Barlow and Smoktunowicz 2013): of each panel of
/// [#PANEL] rows the part along the rows before is taken off, then Householder reflections in doubles make
/// the panel orthonormal, and both once more, which removes what rounding left. A row of which the first
/// time leaves nothing but rounding depends on others; a random direction takes its place.
final class Orthonormal {
    /// Small beside the rows before, so that products do the work, and large enough to make those fast.
    private static final int PANEL = 32;

    /// What is left of a row that depends on others: some times the error of products of floats.
    private static final double ROUNDING = 1e-5;

    private final Matrix rows;
    private final ComputePool pool;
    private final Random random;

    private Orthonormal(Matrix rows, ComputePool pool) {
        this.rows = rows;
        this.pool = pool;
        this.random = new Random(rows.rows());
    }

    /// Rewrites `rows`, `[count, length]`, `count <= length`, finite.
    static void rows(Matrix rows, ComputePool pool) {
        assert rows.rows() <= rows.columns() : rows.shape();
        var job = new Orthonormal(rows, pool);
        for (int first = 0; first < rows.rows(); first += PANEL) {
            job.panel(first, Math.min(PANEL, rows.rows() - first));
        }
    }

    private void panel(int first, int count) {
        double[] lengths = new double[count];
        for (int i = 0; i < count; i++) {
            lengths[i] = length(first + i);
        }
        takeOffEarlier(first, count);
        double[] left = reflect(first, count);
        boolean replaced = false;
        for (int i = 0; i < count; i++) {
            if (left[i] <= ROUNDING * lengths[i]) {
                randomize(first + i);
                replaced = true;
            }
        }
        for (int pass = replaced ? 0 : 1; pass < 2; pass++) {
            takeOffEarlier(first, count);
            reflect(first, count);
        }
    }

    private double length(int row) {
        double sum = 0;
        for (int i = 0; i < rows.columns(); i++) {
            double value = rows.at(row, i);
            sum += value * value;
        }
        return Math.sqrt(sum);
    }

    private void randomize(int row) {
        for (int i = 0; i < rows.columns(); i++) {
            rows.values()[row * rows.columns() + i] = (float) random.nextGaussian();
        }
    }

    /// `P -= (P Q^T) Q`, Q the rows before panel P.
    private void takeOffEarlier(int first, int count) {
        View all = View.of(rows);
        View earlier = all.part(0, 0, first, rows.columns());
        View panel = all.part(first, 0, count, rows.columns());
        Matrix shares = new Matrix(count, first);
        Products.add(panel, earlier.transposed(), 1, View.of(shares), pool);
        Products.add(View.of(shares), earlier, -1, panel, pool);
    }

    /// The magnitudes of R's diagonal: what each row adds to those before it in the panel.
    private double[] reflect(int first, int count) {
        int length = rows.columns();
        DMatrixRMaj columns = new DMatrixRMaj(length, count);
        for (int i = 0; i < length; i++) {
            for (int j = 0; j < count; j++) {
                columns.data[i * count + j] = rows.at(first + j, i);
            }
        }
        QRDecomposition<DMatrixRMaj> qr = DecompositionFactory_DDRM.qr(length, count);
        qr.decompose(columns);
        DMatrixRMaj q = qr.getQ(null, true);
        for (int i = 0; i < length; i++) {
            for (int j = 0; j < count; j++) {
                rows.values()[(first + j) * length + i] = (float) q.data[i * count + j];
            }
        }
        DMatrixRMaj r = qr.getR(null, true);
        double[] diagonal = new double[count];
        Arrays.setAll(diagonal, k -> Math.abs(r.get(k, k)));
        return diagonal;
    }
}
