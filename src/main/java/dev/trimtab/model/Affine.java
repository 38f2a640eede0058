package dev.trimtab.model;

import dev.trimtab.kernel.Activations;
import dev.trimtab.kernel.JoinedLinear;
import dev.trimtab.kernel.Kernels;
import dev.trimtab.kernel.LinearOperator;
import java.util.List;

/// `y = W x + b`; an empty `bias` is none.
@SuppressWarnings("ArrayRecordComponent")
record Affine(LinearOperator weight, float[] bias) {
    void apply(Kernels kernels, Activations in, Activations out) {
        weight.apply(in, out);
        addBias(kernels, out);
    }

    void addBias(Kernels kernels, Activations out) {
        if (bias.length > 0) {
            kernels.addBias(out, bias);
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
                parts.get(i).addBias(kernels, outs.get(i));
            }
        }
    }
}
