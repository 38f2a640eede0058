package dev.trimtab.model.observe;

import dev.trimtab.kernel.Activations;
import dev.trimtab.kernel.TokenBatch;

/// Hears what a forward pass computes on its way. A model is loaded with one or without; without, nothing of
/// this is in its path.
///
/// All calls come from the thread that runs the pass, in the order of the pass.
public interface ForwardObserver {
    /// The two blocks of a layer.
    enum Half {
        ATTENTION,
        FEED_FORWARD
    }

    /// `in`, `[tokens, columns]`, is about to be multiplied with the matrix that the checkpoint calls `name`: for
    /// a matrix that is stored fused with others once, for experts that are stored together once an expert.
    /// `in` must not be changed and is overwritten afterwards.
    void input(String name, Activations in);

    /// The residual stream `hidden`, `[tokens, hiddenSize]`, has come to `half` of layer `layer`. It may be
    /// overwritten, so that a pass goes on where another one ended.
    ///
    /// @return whether the block runs; if not, the stream passes it unchanged and [#after] is not called
    boolean before(int layer, Half half, Activations hidden, TokenBatch batch);

    /// The block has added what it adds.
    void after(int layer, Half half, Activations hidden, TokenBatch batch);
}
