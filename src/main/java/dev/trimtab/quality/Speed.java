package dev.trimtab.quality;

import java.util.Arrays;

/// One workload's speed: medians over rounds, with the least and the most.
///
/// @param prefill prompt tokens a second, all sequences together
/// @param decode generated tokens a second, all sequences together
/// @param overheadMicros of a decode step outside the forward pass, microseconds
public record Speed(int batch, Spread prefill, Spread decode, Spread overheadMicros) {
    /// A median and what lay around it.
    public record Spread(double median, double min, double max) {
        static Spread of(double... values) {
            double[] sorted = values.clone();
            Arrays.sort(sorted);
            return new Spread(sorted[sorted.length / 2], sorted[0], sorted[sorted.length - 1]);
        }
    }
}
