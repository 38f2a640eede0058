package dev.trimtab.kernel.vector;

import dev.trimtab.kernel.ActivationPrecision;
import dev.trimtab.kernel.Activations;
import dev.trimtab.kernel.ComputePool;
import dev.trimtab.kernel.LinearOperator;
import dev.trimtab.kernel.PackedMatrix;
import java.util.Arrays;
import java.util.List;

/// A packed matrix multiplied by SIMD kernels, by itself or with others ([VectorJoin]).
final class VectorLinear implements LinearOperator {
    /// Panels that the largest kernel takes.
    static final int GROUP = TileSums.PANELS;

    /// Activations, in elements, that stay in the second-level cache while panels pass over them.
    private static final int CACHED_ACTIVATIONS = 1 << 16;

    private final PackedMatrix matrix;
    private final boolean onCodes;
    private final Multiplication multiplication;
    private final ComputePool pool;
    private final VectorJoin alone;

    /// What differs between formats and activations.
    interface Multiplication {
        /// Writes the rows of the panels `[from, to)` for all tokens of `in`; beyond `to`, nothing.
        void multiply(int from, int to, Activations in, Activations out);
    }

    /// Room for each thread of the pool.
    @SuppressWarnings("ArrayRecordComponent") // scratch, shared on purpose
    record Rooms(TileSums[] sums, float[][] weights) {
        static Rooms of(ComputePool pool) {
            Rooms rooms = new Rooms(new TileSums[pool.threads()], new float[pool.threads()][]);
            Arrays.setAll(rooms.sums, _ -> new TileSums());
            Arrays.setAll(rooms.weights, _ -> UnpackedPanels.room());
            return rooms;
        }
    }

    VectorLinear(PackedMatrix matrix, ActivationPrecision precision, ComputePool pool, Rooms rooms) {
        this.matrix = matrix;
        this.onCodes = precision == ActivationPrecision.INT8 && matrix.format().isCoded();
        this.pool = pool;
        this.alone = new VectorJoin(List.of(this), pool);
        if (onCodes) {
            this.multiplication = new CodePanels(matrix, rooms.sums());
        } else if (matrix.format().isCoded()) {
            this.multiplication = new UnpackedPanels(matrix, rooms.weights());
        } else {
            this.multiplication = new FloatPanels(matrix);
        }
    }

    @Override
    public int rows() {
        return matrix.rows();
    }

    @Override
    public int columns() {
        return matrix.columns();
    }

    @Override
    public long sizeBytes() {
        return matrix.sizeBytes();
    }

    @Override
    public void row(int row, float[] out, int outOffset) {
        matrix.row(row, out, outOffset);
    }

    @Override
    public void apply(Activations in, Activations out) {
        alone.apply(in, List.of(out));
    }

    /// Makes both ready for [#multiply].
    void begin(Activations in, Activations out) {
        assert in.columns() == columns() && out.columns() == rows() && in != out;
        out.reset(in.tokens());
        if (onCodes) {
            in.encode(pool, VectorElementwise::encode);
        }
    }

    /// Runs of `panels` panels, the last of which may be shorter.
    int units(int panels) {
        return Math.ceilDiv(matrix.panels(), panels);
    }

    /// Writes the rows of the panels `[from, to)`, as far as there are any.
    void multiply(int from, int to, Activations in, Activations out) {
        int end = Math.min(to, matrix.panels());
        multiplication.multiply(from, end, in, out);
        if (end == matrix.panels()) {
            clearPadding(out);
        }
    }

    /// Tokens that panels pass over together, a multiple of `group`.
    static int stretch(Activations in, int group) {
        return Math.max(1, CACHED_ACTIVATIONS / (in.stride() * group)) * group;
    }

    /// The last panel's missing rows are zero times x: not zero where x is not finite, and padding must
    /// stay zero.
    static void clearPadding(Activations out) {
        for (int token = 0; token < out.tokens() + Activations.SPARE; token++) {
            Arrays.fill(out.values(), token * out.stride() + out.columns(), (token + 1) * out.stride(), 0);
        }
    }
}
