package dev.trimtab.model;

import dev.trimtab.kernel.Activations;
import dev.trimtab.kernel.Kernels;
import dev.trimtab.kernel.LinearOperator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/// A feed-forward network: `downProj subNorm(f(gateProj x) * upProj x)` (GLU Variants, Shazeer 2020), or
/// `downProj f(upProj x)` where there is no gate. A block is one of them, or several experts.
final class FeedForward {
    /// `gateProj` and `upProj` are `[intermediateSize, hiddenSize]`, `downProj` the other way round, `subNorm`
    /// `[intermediateSize]`.
    record Parts(Optional<Affine> gateProj, Affine upProj, Affine downProj, Optional<Norm> subNorm) {}

    private final Kernels kernels;
    private final Kernels.Nonlinearity nonlinearity;
    private final Parts parts;
    private final Activations gate;
    private final Activations up;
    private final Activations gated;
    private final Affine.Joined inner;
    private final List<Activations> inners;

    FeedForward(Kernels kernels, Kernels.Nonlinearity nonlinearity, Parts parts, Scratch scratch) {
        int columns = parts.upProj().weight().rows();
        this.kernels = kernels;
        this.nonlinearity = nonlinearity;
        this.parts = parts;
        this.gate = scratch.of(Scratch.Use.GATE, columns);
        this.up = scratch.of(Scratch.Use.UP, columns);
        this.gated = scratch.of(Scratch.Use.GATED, columns);
        boolean gates = parts.gateProj().isPresent();
        this.inner = new Affine.Joined(
                kernels, gates ? List.of(parts.gateProj().get(), parts.upProj()) : List.of(parts.upProj()));
        this.inners = gates ? List.of(gate, up) : List.of(up);
    }

    /// `out = f(x)`; `residual` makes the inner elements ready for the last matrix.
    void apply(Activations x, Residual residual, Activations out) {
        inner.apply(x, inners);
        if (parts.gateProj().isPresent()) {
            kernels.gate(nonlinearity, gate, up, gated);
        } else {
            kernels.activate(nonlinearity, up, gated);
        }
        if (parts.subNorm().isPresent()) {
            parts.subNorm().get().apply(kernels, gated, gated);
        }
        residual.prepare(gated);
        parts.downProj().apply(kernels, gated, out);
    }

    List<LinearOperator> matrices() {
        return Stream.concat(parts.gateProj().stream(), Stream.of(parts.upProj(), parts.downProj()))
                .map(Affine::weight)
                .toList();
    }
}
