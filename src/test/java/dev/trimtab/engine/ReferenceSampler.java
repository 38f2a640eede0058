package dev.trimtab.engine;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/// The plain way to sampling probabilities: sort the whole vocabulary, then cut. Kept beside [Sampler]
/// forever.
final class ReferenceSampler {
    private ReferenceSampler() {}

    /// The probability of each token at a temperature above 0.
    static double[] probabilities(float[] logits, SamplingOptions options) {
        double max = Double.NEGATIVE_INFINITY;
        List<Integer> order = new ArrayList<>();
        for (int token = 0; token < logits.length; token++) {
            max = Math.max(max, logits[token]);
            order.add(token);
        }
        order.sort(Comparator.comparingDouble((Integer token) -> 0.0 - logits[token]));
        double[] weights = new double[logits.length];
        for (int token = 0; token < logits.length; token++) {
            weights[token] = Math.exp((logits[token] - max) / options.temperature());
        }
        if (options.topK() > 0 && options.topK() < order.size()) {
            order = order.subList(0, options.topK());
        }
        order = order.subList(0, nucleus(order, weights, options.topP()));
        double[] probabilities = new double[logits.length];
        double sum = 0;
        for (int token : order) {
            if (weights[token] >= options.minP()) {
                probabilities[token] = weights[token];
                sum += weights[token];
            }
        }
        for (int token = 0; token < probabilities.length; token++) {
            probabilities[token] /= sum;
        }
        return probabilities;
    }

    private static int nucleus(List<Integer> order, double[] weights, float topP) {
        double total = 0;
        for (int token : order) {
            total += weights[token];
        }
        double mass = 0;
        for (int count = 0; count < order.size(); count++) {
            mass += weights[order.get(count)];
            if (topP < 1 && mass >= topP * total) {
                return count + 1;
            }
        }
        return order.size();
    }
}
