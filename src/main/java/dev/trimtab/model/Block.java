package dev.trimtab.model;

import dev.trimtab.kernel.Activations;
import dev.trimtab.kernel.LinearOperator;
import dev.trimtab.kernel.TokenBatch;
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
}
