package dev.trimtab.model;

import dev.trimtab.model.observe.ForwardObserver;
import java.util.Optional;

/// Hears how far a load has come: for progress bars.
@FunctionalInterface
public interface LoadListener {
    /// Hears nothing.
    LoadListener NONE = (_, _) -> {};

    /// `done` of the model's `total` weights have been packed.
    void packed(long done, long total);

    /// Who is to watch the forward passes of the model that is loaded; nobody, unless overridden.
    default Optional<ForwardObserver> observer() {
        return Optional.empty();
    }
}
