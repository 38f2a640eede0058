package dev.trimtab.kernel;

/// A weight packed for the machine: `y = W x` for a batch of activations. The forward pass knows no other
/// weight.
///
/// It reads as an [EmbeddingTable] too, so that a tied head needs no second copy.
public interface LinearOperator extends EmbeddingTable {
    /// `out[t] = W in[t]` for each of `in.tokens()` vectors; `in` is `[tokens, columns()]`, `out` becomes
    /// `[tokens, rows()]`. The two must not be the same object.
    ///
    /// Batch invariant: the numbers of one token depend neither on the other tokens, nor on the
    /// thread split, nor on the size of the batch.
    void apply(Activations in, Activations out);
}
