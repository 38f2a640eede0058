package dev.trimtab.model;

import dev.trimtab.kernel.Activations;
import dev.trimtab.kernel.LinearOperator;
import dev.trimtab.kernel.TokenBatch;
import dev.trimtab.model.observe.ForwardObserver;
import dev.trimtab.model.observe.ForwardObserver.Half;
import java.util.List;

/// One step of the residual stream: `hidden += f(norm(hidden))`. A layer is an attention block and a
/// feed-forward block; a pruned one may lack either.
interface Block {
    /// Adds to `hidden`, `[tokens, hiddenSize]`.
    void addTo(Activations hidden, TokenBatch batch);

    /// All of the block's matrices.
    List<LinearOperator> matrices();

    /// Multiply-adds of one token in the block's matrices.
    default long multiplyAdds() {
        return multiplyAdds(matrices());
    }

    static long multiplyAdds(List<LinearOperator> matrices) {
        return matrices.stream()
                .mapToLong(matrix -> (long) matrix.rows() * matrix.columns())
                .sum();
    }

    /// A block whose residual stream is shown to an observer before and after.
    record Observed(Block block, int layer, Half half, ForwardObserver observer) implements Block {
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
}
