package dev.trimtab.quality.calibration;

import dev.trimtab.kernel.Activations;
import dev.trimtab.kernel.TokenBatch;
import dev.trimtab.model.observe.ForwardObserver;

/// An observer of whole passes over a text, which are batches in the same order each time. It hears what it asks
/// to hear; the rest runs unheard.
interface PassObserver extends ForwardObserver {
    /// Batch `index` of the pass is about to run.
    default void beginBatch(int index) {}

    @Override
    default void input(String name, Activations in) {}

    @Override
    default boolean before(int layer, Half half, Activations hidden, TokenBatch batch) {
        return true;
    }

    @Override
    default void after(int layer, Half half, Activations hidden, TokenBatch batch) {}
}
