package dev.trimtab.model;

import dev.trimtab.kernel.Activations;
import dev.trimtab.kernel.JoinedLinear;
import dev.trimtab.kernel.Kernels;
import dev.trimtab.kernel.LinearOperator;
import dev.trimtab.kernel.adapter.AdapterSite;
import java.util.List;
import java.util.Optional;

/// `y = W x + b`, and what adapters add; an empty `bias` is none.
///
/// @param site where adapters find it; empty where they cannot change it
@SuppressWarnings("ArrayRecordComponent")
record Affine(LinearOperator weight, float[] bias, Optional<AdapterSite> site) {
    /// One that adapters leave alone.
    Affine(LinearOperator weight, float[] bias) {
        this(weight, bias, Optional.empty());
    }

    void apply(Kernels kernels, Activations in, Activations out) {
        weight.apply(in, out);
        finish(kernels, in, out);
    }

    /// `out`, which is `W in`, becomes y.
    private void finish(Kernels kernels, Activations in, Activations out) {
        if (bias.length > 0) {
            kernels.addBias(out, bias);
        }
        if (site.isPresent()) {
            site.get().addTo(kernels, in, out);
        }
    }

    /// Several of the same input.
    static final class Joined {
        private final Kernels kernels;
        private final List<Affine> parts;
        private final JoinedLinear weights;

        Joined(Kernels kernels, List<Affine> parts) {
            this.kernels = kernels;
            this.parts = parts;
            this.weights = kernels.join(parts.stream().map(Affine::weight).toList());
        }

        /// `outs[i] = W_i in + b_i`
        void apply(Activations in, List<Activations> outs) {
            weights.apply(in, outs);
            for (int i = 0; i < parts.size(); i++) {
                parts.get(i).finish(kernels, in, outs.get(i));
            }
        }
    }
}
