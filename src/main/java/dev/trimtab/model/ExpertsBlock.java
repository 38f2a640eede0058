package dev.trimtab.model;

import dev.trimtab.kernel.Activations;
import dev.trimtab.kernel.Kernels;
import dev.trimtab.kernel.LinearOperator;
import dev.trimtab.kernel.TokenBatch;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/// A mixture of experts: with `p = softmax(router x)` and K the `used` experts of largest p, equal ones in
/// order, `sum_K p_e expert_e(x) / sum_K p_e` (Mixtral, Jiang et al. 2024, section 2.1).
///
/// Each expert runs once a step, over the tokens that chose it. A token's sum is taken in the order of the
/// experts, so its numbers do not depend on the batch.
final class ExpertsBlock implements Block {
    private final Kernels kernels;
    private final Residual residual;
    private final LinearOperator router;
    private final List<FeedForward> experts;
    private final int used;

    private final Activations routed;
    private final Activations in;
    private final Activations out;
    private final Activations delta;
    /// `[tokens, used]`: each token's experts, and what their results are multiplied with.
    private final int[] chosen;
    private final float[] shares;
    /// The tokens of one expert, and their shares.
    private final int[] rows;
    private final float[] weights;

    /// `router` is `[experts, hiddenSize]`.
    ExpertsBlock(
            Kernels kernels,
            Residual residual,
            LinearOperator router,
            List<FeedForward> experts,
            int used,
            Scratch scratch) {
        int hiddenSize = router.columns();
        this.kernels = kernels;
        this.residual = residual;
        this.router = router;
        this.experts = List.copyOf(experts);
        this.used = used;
        this.routed = scratch.of(Scratch.Use.ROUTED, experts.size());
        this.in = scratch.of(Scratch.Use.EXPERT_IN, hiddenSize);
        this.out = scratch.of(Scratch.Use.EXPERT_OUT, hiddenSize);
        this.delta = scratch.of(Scratch.Use.DELTA, hiddenSize);
        this.chosen = new int[routed.capacity() * used];
        this.shares = new float[chosen.length];
        this.rows = new int[routed.capacity()];
        this.weights = new float[rows.length];
    }

    @Override
    public void addTo(Activations hidden, TokenBatch batch) {
        Activations x = residual.enter(hidden);
        router.apply(x, routed);
        for (int token = 0; token < x.tokens(); token++) {
            choose(token);
        }
        delta.reset(x.tokens());
        Arrays.fill(delta.values(), 0, x.tokens() * delta.stride(), 0);
        for (int expert = 0; expert < experts.size(); expert++) {
            addExpert(expert, x);
        }
        residual.leave(delta, hidden);
    }

    private void choose(int token) {
        float[] scores = routed.values();
        int from = token * routed.stride();
        int first = token * used;
        float sum = 0;
        for (int i = first; i < first + used; i++) {
            int best = -1;
            for (int expert = 0; expert < experts.size(); expert++) {
                if (!isChosen(expert, first, i) && (best < 0 || scores[from + expert] > scores[from + best])) {
                    best = expert;
                }
            }
            chosen[i] = best;
            shares[i] = (float) Math.exp(scores[from + best] - scores[from + chosen[first]]);
            sum += shares[i];
        }
        for (int i = first; i < first + used; i++) {
            shares[i] /= sum;
        }
    }

    private boolean isChosen(int expert, int from, int to) {
        for (int i = from; i < to; i++) {
            if (chosen[i] == expert) {
                return true;
            }
        }
        return false;
    }

    private void addExpert(int expert, Activations x) {
        int count = 0;
        for (int i = 0; i < x.tokens() * used; i++) {
            if (chosen[i] == expert) {
                rows[count] = i / used;
                weights[count++] = shares[i];
            }
        }
        if (count == 0) {
            return;
        }
        in.reset(count);
        for (int i = 0; i < count; i++) {
            System.arraycopy(x.values(), rows[i] * x.stride(), in.values(), i * in.stride(), in.stride());
        }
        experts.get(expert).apply(in, residual, out);
        kernels.addRows(delta, rows, weights, out);
    }

    @Override
    public List<LinearOperator> matrices() {
        return Stream.concat(
                        Stream.of(router),
                        experts.stream().map(FeedForward::matrices).flatMap(List::stream))
                .toList();
    }

    /// A token passes the experts it chose.
    @Override
    public long multiplyAdds() {
        long perExpert = Block.multiplyAdds(experts.getFirst().matrices());
        return Block.multiplyAdds(List.of(router)) + used * perExpert;
    }
}
