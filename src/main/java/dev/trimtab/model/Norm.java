package dev.trimtab.model;

import dev.trimtab.kernel.Activations;
import dev.trimtab.kernel.Kernels;

/// A norm over a whole vector: root mean square, or with a `bias` also around the mean.
@SuppressWarnings("ArrayRecordComponent")
record Norm(float[] weight, float[] bias, float eps) {
    /// `out = norm(in)`, which may be the same.
    void apply(Kernels kernels, Activations in, Activations out) {
        if (bias.length > 0) {
            kernels.layerNorm(in, weight, bias, eps, out);
        } else {
            kernels.rmsNorm(in, weight, eps, out);
        }
    }
}
