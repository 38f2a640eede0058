package dev.trimtab.quality;

import java.util.Arrays;

/// The decode speed of one batch: medians over rounds, with the least and the most.
///
/// @param batch sequences that decode together
/// @param decode generated tokens a second, all sequences together
/// @param readShare the weights that a step reads, over what memory gave around the same round
/// @param overheadMicros of a step outside the forward pass, microseconds
public record Speed(int batch, Spread decode, Spread readShare, Spread overheadMicros) {
    /// A median and what lay around it.
    public record Spread(double median, double min, double max) {
        static Spread of(double... values) {
            double[] sorted = values.clone();
            Arrays.sort(sorted);
            return new Spread(sorted[sorted.length / 2], sorted[0], sorted[sorted.length - 1]);
        }
    }
}
