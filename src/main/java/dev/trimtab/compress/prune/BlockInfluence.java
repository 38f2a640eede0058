package dev.trimtab.compress.prune;

import dev.trimtab.compress.calibration.CalibrationSource;
import dev.trimtab.compress.calibration.CalibrationSource.Influence;
import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.BadConfiguration;
import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/// Which layers, or halves of them, stay: those of the highest block influence
/// `BI = 1 - E[cos(x_in, x_out)]` (ShortGPT, Men et al. 2024, equation 1). What turns its input least is
/// missed least, by this measure.
public final class BlockInfluence {
    /// What must be said wherever layers are dropped.
    public static final String WARNING =
            "dropping layers keeps multiple-choice scores but breaks generative reasoning, and more training does not"
                    + " bring it back (arXiv 2602.01997): judge the result by what it writes, not by perplexity alone;"
                    + " dropping attention sublayers alone is milder";

    /// What is dropped.
    public enum Part {
        LAYER,
        ATTENTION,
        FEED_FORWARD
    }

    private BlockInfluence() {}

    /// @param layers numbers of the layers that have the part, ascending
    /// @param drop how many lose it; at least one keeps it
    /// @return the numbers of those that keep it, ascending; of equal influences the later one loses it
    /// @throws BadConfiguration when no layer would keep it
    /// @throws BadCheckpoint for an influence that is no number
    public static int[] kept(CalibrationSource source, int[] layers, Part part, int drop) {
        if (drop < 0 || drop >= layers.length) {
            throw new BadConfiguration(
                    "count " + drop + ": from 0 to " + (layers.length - 1) + " of this model's layers can be dropped");
        }
        double[] influences = new double[layers.length];
        for (int i = 0; i < layers.length; i++) {
            influences[i] = of(source.influence(layers[i]), part);
            if (Double.isNaN(influences[i])) {
                throw BadCheckpoint.mismatch("the influence of layer " + layers[i], "a number", influences[i]);
            }
        }
        return IntStream.range(0, layers.length)
                .boxed()
                .sorted(Comparator.comparingDouble((Integer i) -> influences[i])
                        .thenComparing(Comparator.reverseOrder()))
                .skip(drop)
                .mapToInt(i -> layers[i])
                .sorted()
                .toArray();
    }

    private static double of(Influence influence, Part part) {
        return switch (part) {
            case LAYER -> influence.layer();
            case ATTENTION -> influence.attention();
            case FEED_FORWARD -> influence.feedForward();
        };
    }

    /// The layers of `all` that are not in `kept`.
    public static int[] dropped(int[] all, int[] kept) {
        return Arrays.stream(all)
                .filter(layer -> Arrays.binarySearch(kept, layer) < 0)
                .toArray();
    }
}
