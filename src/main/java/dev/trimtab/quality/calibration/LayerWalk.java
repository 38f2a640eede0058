package dev.trimtab.quality.calibration;

import dev.trimtab.compress.calibration.Covariance;
import dev.trimtab.kernel.Activations;
import dev.trimtab.kernel.ComputePool;
import dev.trimtab.kernel.TokenBatch;
import dev.trimtab.quality.calibration.Passes.Head;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// Covariances, a layer at a time. The residual stream of the whole text is kept where the last layer left it,
/// `[tokens, hiddenSize]`, so that the next layer costs that layer alone: walked in order, all layers together
/// cost one pass. Going back begins anew.
final class LayerWalk {
    private final Passes passes;
    private final ComputePool pool;

    /// The stream before layer `at`, a batch each; empty before the first layer.
    private List<float[]> streams = List.of();

    private int at;

    LayerWalk(Passes passes, ComputePool pool) {
        this.passes = passes;
        this.pool = pool;
    }

    /// The covariances of the inputs of layer `layer`'s matrices, by the watched one's name.
    Map<String, Covariance> covariances(int layer) {
        if (layer < at) {
            at = 0;
            streams = List.of();
        }
        Walk walk = new Walk(at, layer, streams);
        passes.run(walk, Head.LEFT_OUT);
        if (!walk.left.isEmpty() && walk.left.stream().allMatch(stream -> stream.length > 0)) {
            at = layer + 1;
            streams = walk.left;
        }
        return means(walk.sums);
    }

    /// The covariance of the input of the head, whose tensor is `name`.
    Map<String, Covariance> ofHead(String name) {
        Map<String, CovarianceSum> sums = new HashMap<>();
        passes.run(
                new PassObserver() {
                    @Override
                    public void input(String found, Activations in) {
                        if (found.equals(name)) {
                            sum(sums, name, in);
                        }
                    }
                },
                Head.COMPUTED);
        return means(sums);
    }

    private void sum(Map<String, CovarianceSum> sums, String name, Activations in) {
        sums.computeIfAbsent(name, _ -> new CovarianceSum(name, in.columns(), pool))
                .add(in);
    }

    private static Map<String, Covariance> means(Map<String, CovarianceSum> sums) {
        Map<String, Covariance> means = new HashMap<>();
        sums.forEach((name, sum) -> means.put(name, sum.mean()));
        return means;
    }

    /// One pass: takes the stream up before layer `from`, and leaves it after layer `to`.
    private final class Walk implements PassObserver {
        private final int from;
        private final int to;
        private final List<float[]> taken;
        private final List<float[]> left = new ArrayList<>();
        private final Map<String, CovarianceSum> sums = new HashMap<>();
        private boolean atWork;
        private boolean isTaken;

        Walk(int from, int to, List<float[]> taken) {
            this.from = from;
            this.to = to;
            this.taken = taken;
        }

        @Override
        public void beginBatch(int index) {
            left.add(new float[0]);
            isTaken = taken.isEmpty();
            atWork = false;
        }

        @Override
        public boolean before(int layer, Half half, Activations hidden, TokenBatch batch) {
            if (layer < from || layer > to) {
                atWork = false;
                return false;
            }
            if (!isTaken) {
                float[] stream = taken.get(left.size() - 1);
                System.arraycopy(stream, 0, hidden.values(), 0, stream.length);
                isTaken = true;
            }
            atWork = layer == to;
            return true;
        }

        @Override
        public void input(String name, Activations in) {
            if (atWork && SharedInput.isWatched(name)) {
                sum(sums, name, in);
            }
        }

        @Override
        public void after(int layer, Half half, Activations hidden, TokenBatch batch) {
            if (layer == to) {
                left.set(left.size() - 1, Arrays.copyOf(hidden.values(), hidden.tokens() * hidden.stride()));
            }
        }
    }
}
