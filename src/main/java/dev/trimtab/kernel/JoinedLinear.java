package dev.trimtab.kernel;

import java.util.List;

/// Operators that read the same input, such as q, k and v: what [Kernels#join] makes of them.
@FunctionalInterface
public interface JoinedLinear {
    /// `outs[i][t] = W_i in[t]`, the numbers that each operator's own [LinearOperator#apply] gives.
    void apply(Activations in, List<Activations> outs);

    /// One after the other.
    static JoinedLinear inTurn(List<LinearOperator> parts) {
        return (in, outs) -> {
            for (int i = 0; i < parts.size(); i++) {
                parts.get(i).apply(in, outs.get(i));
            }
        };
    }
}
