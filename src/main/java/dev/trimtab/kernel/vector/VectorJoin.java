package dev.trimtab.kernel.vector;

import dev.trimtab.kernel.Activations;
import dev.trimtab.kernel.ComputePool;
import dev.trimtab.kernel.JoinedLinear;
import dev.trimtab.kernel.PackedMatrix;
import java.util.List;

/// Packed matrices of the same columns, their panels shared out over the compute pool in one run: a start and
/// an end for all of them.
final class VectorJoin implements JoinedLinear {
    /// Multiply-adds of the smallest chunk: some microseconds, several times what passing it to another
    /// thread costs.
    private static final long SHARED_MACS = 1 << 17;

    private final List<VectorLinear> parts;
    private final ComputePool pool;

    VectorJoin(List<VectorLinear> parts, ComputePool pool) {
        this.parts = List.copyOf(parts);
        this.pool = pool;
    }

    /// The work comes in units, so many panels that the largest kernel for so many tokens takes; those of one
    /// matrix follow those of the one before.
    @Override
    public void apply(Activations in, List<Activations> outs) {
        for (int i = 0; i < parts.size(); i++) {
            parts.get(i).begin(in, outs.get(i));
        }
        if (in.tokens() == 0) {
            return;
        }
        int unit = in.tokens() == 1 ? 1 : VectorLinear.GROUP;
        int units = 0;
        for (VectorLinear part : parts) {
            units += part.units(unit);
        }
        long macs = (long) unit * PackedMatrix.TILE * in.stride() * in.tokens();
        int grain = (int) Math.max(1, SHARED_MACS / macs);
        pool.run(units, grain, (from, to) -> multiply(from, to, unit, in, outs));
    }

    private void multiply(int from, int to, int unit, Activations in, List<Activations> outs) {
        int first = 0;
        for (int i = 0; i < parts.size(); i++) {
            int next = first + parts.get(i).units(unit);
            int start = Math.max(from, first);
            int end = Math.min(to, next);
            if (start < end) {
                parts.get(i).multiply((start - first) * unit, (end - first) * unit, in, outs.get(i));
            }
            first = next;
        }
    }
}
