package dev.trimtab.model;

import dev.trimtab.kernel.Activations;
import dev.trimtab.kernel.Kernels;
import dev.trimtab.kernel.LinearOperator;

/// `y = W x + b`; an empty `bias` is none.
@SuppressWarnings("ArrayRecordComponent")
record Affine(LinearOperator weight, float[] bias) {
    void apply(Kernels kernels, Activations in, Activations out) {
        weight.apply(in, out);
        if (bias.length > 0) {
            kernels.addBias(out, bias);
        }
    }
}
