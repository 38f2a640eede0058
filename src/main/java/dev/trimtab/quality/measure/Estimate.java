package dev.trimtab.quality.measure;

import dev.trimtab.error.Internal;

/// A mean and its standard error.
public record Estimate(double value, double standardError) {
    public Estimate {
        if (!Double.isFinite(value) || !(standardError >= 0 && Double.isFinite(standardError))) {
            throw new Internal("finite numbers expected, found " + value + " +- " + standardError);
        }
    }
}
