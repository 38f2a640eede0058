package dev.trimtab.model;

import dev.trimtab.kernel.Activations;
import dev.trimtab.kernel.LinearOperator;
import dev.trimtab.kernel.TokenBatch;
import java.util.List;

/// A feed-forward block that every token passes.
final class DenseBlock implements Block {
    private final Residual residual;
    private final FeedForward network;
    private final Activations delta;

    DenseBlock(Residual residual, FeedForward network, int hiddenSize, Scratch scratch) {
        this.residual = residual;
        this.network = network;
        this.delta = scratch.of(Scratch.Use.DELTA, hiddenSize);
    }

    @Override
    public void addTo(Activations hidden, TokenBatch batch) {
        network.apply(residual.enter(hidden), residual, delta);
        residual.leave(delta, hidden);
    }

    @Override
    public List<LinearOperator> matrices() {
        return network.matrices();
    }
}
