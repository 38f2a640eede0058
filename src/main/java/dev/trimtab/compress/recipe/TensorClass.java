package dev.trimtab.compress.recipe;

import java.util.Locale;

/// What a matrix is for, as recipes name it.
public enum TensorClass {
    /// Projections of attention: `blk.N.attn_*`.
    ATTN,
    /// The feed-forward network, experts included: `blk.N.ffn_*`, but not the router.
    FFN,
    /// Token and position embeddings.
    EMBED,
    /// The matrix that makes logits; of a tied checkpoint the embedding, which is then of both classes.
    HEAD;

    String word() {
        return name().toLowerCase(Locale.ROOT);
    }
}
