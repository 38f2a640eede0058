package dev.trimtab.model;

import dev.trimtab.kernel.Activations;
import dev.trimtab.kernel.LinearOperator;
import dev.trimtab.kernel.TokenBatch;
import dev.trimtab.model.observe.ForwardObserver;
import dev.trimtab.model.observe.ForwardObserver.Half;
import java.util.List;

/// A block whose residual stream is shown to an observer before and after.
record ObservedBlock(Block block, int layer, Half half, ForwardObserver observer) implements Block {
    @Override
    public void addTo(Activations hidden, TokenBatch batch) {
        if (observer.before(layer, half, hidden, batch)) {
            block.addTo(hidden, batch);
            observer.after(layer, half, hidden, batch);
        }
    }

    @Override
    public List<LinearOperator> matrices() {
        return block.matrices();
    }

    @Override
    public long multiplyAdds() {
        return block.multiplyAdds();
    }
}
