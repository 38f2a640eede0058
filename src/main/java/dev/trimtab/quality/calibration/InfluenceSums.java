package dev.trimtab.quality.calibration;

import dev.trimtab.compress.calibration.CalibrationSource.Influence;
import dev.trimtab.kernel.Activations;
import dev.trimtab.model.observe.ForwardObserver.Half;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// What layers do to the residual stream: `sum_t 1 - cos(in_t, out_t)` over each layer and each of its halves
/// (ShortGPT, Men et al. 2024). Told of every half in the order of the pass.
final class InfluenceSums {
    private static final class Layer {
        double whole;
        double attention;
        double feedForward;
        long tokens;
    }

    private final List<Layer> layers = new ArrayList<>();

    /// The stream before the layer and before its half, of the batch in hand.
    private float[] layerIn = {};
    private float[] halfIn = {};
    private int current = -1;
    private double wholeOfBatch;

    void before(int layer, Activations hidden) {
        int used = hidden.tokens() * hidden.stride();
        halfIn = Arrays.copyOf(hidden.values(), used);
        while (layers.size() <= layer) {
            layers.add(new Layer());
        }
        if (layer != current) {
            layerIn = halfIn;
            wholeOfBatch = 0;
            current = layer;
            layers.get(layer).tokens += hidden.tokens();
        }
    }

    void after(int layer, Half half, Activations hidden) {
        Layer sums = layers.get(layer);
        double change = change(halfIn, hidden);
        switch (half) {
            case ATTENTION -> sums.attention += change;
            case FEED_FORWARD -> sums.feedForward += change;
        }
        // The layer ends with its last half, which is not known to be the last: each replaces the one before.
        double whole = change(layerIn, hidden);
        sums.whole += whole - wholeOfBatch;
        wholeOfBatch = whole;
    }

    /// A batch is over: the same layer may come again.
    void endBatch() {
        current = -1;
    }

    private static double change(float[] in, Activations out) {
        double change = 0;
        for (int t = 0; t < out.tokens(); t++) {
            change += 1 - cosine(in, out.values(), t * out.stride(), out.columns());
        }
        return change;
    }

    private static double cosine(float[] a, float[] b, int from, int count) {
        double product = 0;
        double squaresOfA = 0;
        double squaresOfB = 0;
        for (int i = from; i < from + count; i++) {
            product += (double) a[i] * b[i];
            squaresOfA += (double) a[i] * a[i];
            squaresOfB += (double) b[i] * b[i];
        }
        double lengths = Math.sqrt(squaresOfA * squaresOfB);
        return lengths == 0 ? 1 : product / lengths;
    }

    List<Influence> means() {
        return layers.stream()
                .map(layer -> {
                    double tokens = Math.max(1, layer.tokens);
                    return new Influence(layer.whole / tokens, layer.attention / tokens, layer.feedForward / tokens);
                })
                .toList();
    }
}
