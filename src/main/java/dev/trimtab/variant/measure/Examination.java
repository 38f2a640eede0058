package dev.trimtab.variant.measure;

import dev.trimtab.engine.background.BackgroundWork;
import dev.trimtab.variant.Measured;
import dev.trimtab.variant.Variant;
import dev.trimtab.variant.life.VariantOrder;

/// How one variant is measured, on a thread that may wait: what [BackgroundMeasuring] has done for each.
@FunctionalInterface
public interface Examination {
    /// What an examination computes with.
    interface Units {
        /// Takes over `work` and has it run beside what is served; returns when it is done and closed.
        ///
        /// @throws java.util.concurrent.CancellationException when the variant is to go
        void run(BackgroundWork work);

        /// To be called now and then where no unit runs.
        ///
        /// @throws java.util.concurrent.CancellationException when the variant is to go
        void check();
    }

    /// Measures `variant`, which was made by `order`. A variant that cannot be measured for a fault of its own has
    /// missed a gate.
    ///
    /// @throws dev.trimtab.error.TrimtabException when there is nothing to compare it with
    /// @throws java.util.concurrent.CancellationException when the variant is to go; then nothing is held any more
    Measured examine(VariantOrder order, Variant variant, Units units);
}
