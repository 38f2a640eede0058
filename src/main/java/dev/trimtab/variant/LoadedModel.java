package dev.trimtab.variant;

import dev.trimtab.checkpoint.Metadata;
import dev.trimtab.checkpoint.vocabulary.KeptTokens;
import dev.trimtab.model.Model;
import java.util.Optional;

/// A model as a recipe made it, and what else of its checkpoint the recipe changed.
///
/// @param metadata what goes with the weights: another tokenizer where the vocabulary lost tokens
/// @param keptTokens the checkpoint's tokens that stay, where some are gone
public record LoadedModel(Model model, Metadata metadata, Optional<KeptTokens> keptTokens) implements AutoCloseable {
    /// Frees the model.
    @Override
    public void close() {
        model.close();
    }
}
