package dev.trimtab.quality;

/// How far a variant's next-token distributions are from its reference's, over the positions of a text.
///
/// With p the reference's softmax and q the variant's at one position, `KL(p || q) = sum_i p_i log(p_i / q_i)`
/// in nats. Standard errors take the positions for independent, as llama-perplexity does.
///
/// @param meanNats mean of KL over the positions
/// @param sameTop share of positions where both give the same token the largest logit, in 0..1
public record Divergence(
        long positions, double meanNats, double standardErrorNats, double sameTop, double standardErrorSameTop) {

    /// Sums over positions, in double. Not thread-safe.
    static final class Sum {
        private long positions;
        private double nats;
        private double squares;
        private long sameTops;

        /// Adds a position: `vocabSize` logits of each from the given places.
        void add(float[] reference, int from, float[] variant, int variantFrom, int vocabSize) {
            Softmax p = Softmax.of(reference, from, vocabSize);
            Softmax q = Softmax.of(variant, variantFrom, vocabSize);
            double kl = 0;
            for (int i = 0; i < vocabSize; i++) {
                double logP = reference[from + i] - p.logSum;
                if (logP > Double.NEGATIVE_INFINITY) {
                    kl += Math.exp(logP) * (logP - (variant[variantFrom + i] - q.logSum));
                }
            }
            positions++;
            nats += kl;
            squares += kl * kl;
            sameTops += p.top == q.top ? 1 : 0;
        }

        Divergence result() {
            double mean = nats / positions;
            double variance = Math.max(0, squares / positions - mean * mean);
            double same = (double) sameTops / positions;
            return new Divergence(
                    positions, mean, Math.sqrt(variance / positions), same, Math.sqrt(same * (1 - same) / positions));
        }
    }

    /// The index of the first of the largest logits, and `log sum_i exp(logit_i)`.
    private record Softmax(int top, double logSum) {
        static Softmax of(float[] logits, int from, int count) {
            int top = 0;
            for (int i = 1; i < count; i++) {
                top = logits[from + i] > logits[from + top] ? i : top;
            }
            double max = logits[from + top];
            double sum = 0;
            for (int i = 0; i < count; i++) {
                sum += Math.exp(logits[from + i] - max);
            }
            return new Softmax(top, max + Math.log(sum));
        }
    }
}
