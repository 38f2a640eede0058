package dev.trimtab.kernel.vector;

import dev.trimtab.kernel.ActivationPrecision;
import dev.trimtab.kernel.Activations;
import dev.trimtab.kernel.ComputePool;
import dev.trimtab.kernel.LinearOperator;
import dev.trimtab.kernel.PackedMatrix;
import java.util.Arrays;

/// A packed matrix multiplied by SIMD kernels, panels shared out over the compute pool.
final class VectorLinear implements LinearOperator {
    /// Panels that a chunk is a multiple of: as many as the largest kernel takes.
    static final int GROUP = TileSums.PANELS;

    private static final int TILE = PackedMatrix.TILE;

    /// Activations, in elements, that stay in the second-level cache while panels pass over them.
    private static final int CACHED_ACTIVATIONS = 1 << 16;

    /// Multiply-adds of the smallest chunk: some microseconds, several times what passing it to another
    /// thread costs.
    private static final long SHARED_MACS = 1 << 17;

    private final PackedMatrix matrix;
    private final boolean onCodes;
    private final Multiplication multiplication;
    private final ComputePool pool;

    /// What differs between formats and activations.
    interface Multiplication {
        /// Writes the rows of the panels `[from, to)` for all tokens of `in`; beyond `to`, nothing.
        void multiply(int from, int to, Activations in, Activations out);
    }

    /// Room for each thread of the pool.
    @SuppressWarnings("ArrayRecordComponent") // scratch, shared on purpose
    record Rooms(short[][] sums, float[][] weights) {
        static Rooms of(ComputePool pool) {
            Rooms rooms = new Rooms(new short[pool.threads()][], new float[pool.threads()][]);
            Arrays.setAll(rooms.sums, _ -> TileSums.room());
            Arrays.setAll(rooms.weights, _ -> UnpackedPanels.room());
            return rooms;
        }
    }

    VectorLinear(PackedMatrix matrix, ActivationPrecision precision, ComputePool pool, Rooms rooms) {
        this.matrix = matrix;
        this.onCodes = precision == ActivationPrecision.INT8 && matrix.format().isCoded();
        this.pool = pool;
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
        assert in.columns() == columns() && out.columns() == rows() && in != out;
        out.reset(in.tokens());
        if (in.tokens() == 0) {
            return;
        }
        if (onCodes) {
            in.encode(pool, VectorElementwise::encode);
        }
        int panels = matrix.panels();
        int groups = Math.ceilDiv(panels, GROUP);
        long macs = (long) GROUP * TILE * in.stride() * in.tokens();
        int grain = (int) Math.max(1, SHARED_MACS / macs);
        pool.run(groups, grain, (from, to) -> {
            multiplication.multiply(from * GROUP, Math.min(to * GROUP, panels), in, out);
            if (to == groups) {
                clearPadding(out);
            }
        });
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
