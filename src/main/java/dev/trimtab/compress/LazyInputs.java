package dev.trimtab.compress;

import dev.trimtab.compress.calibration.Covariance;
import dev.trimtab.compress.calibration.InputStatistics;
import dev.trimtab.compress.calibration.Inputs;
import java.util.function.Supplier;

/// Inputs that nobody has looked for until a method asks.
record LazyInputs(Supplier<Inputs> source) implements Inputs {
    @Override
    public InputStatistics statistics() {
        return source.get().statistics();
    }

    @Override
    public Covariance covariance() {
        return source.get().covariance();
    }
}
