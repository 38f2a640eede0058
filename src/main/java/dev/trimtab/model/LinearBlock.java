package dev.trimtab.model;

import dev.trimtab.kernel.Activations;
import dev.trimtab.kernel.Kernels;
import dev.trimtab.kernel.LinearOperator;
import dev.trimtab.kernel.TokenBatch;
import java.util.List;

/// What is left of an attention block that was found not to mix tokens: one matrix `[hiddenSize, hiddenSize]`
/// (Puzzle, Bercovich et al. 2024).
final class LinearBlock implements Block {
    private final Kernels kernels;
    private final Residual residual;
    private final Affine projection;
    private final Activations delta;

    LinearBlock(Kernels kernels, Residual residual, Affine projection, Scratch scratch) {
        this.kernels = kernels;
        this.residual = residual;
        this.projection = projection;
        this.delta = scratch.of(Scratch.Use.DELTA, projection.weight().rows());
    }

    @Override
    public void addTo(Activations hidden, TokenBatch batch) {
        projection.apply(kernels, residual.enter(hidden), delta);
        residual.leave(delta, hidden);
    }

    @Override
    public List<LinearOperator> matrices() {
        return List.of(projection.weight());
    }
}
