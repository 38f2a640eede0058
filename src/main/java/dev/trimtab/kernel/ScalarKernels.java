package dev.trimtab.kernel;

import dev.trimtab.tensor.Tensor;
import java.lang.foreign.Arena;

/// The reference tier: every operation as its formula reads, in plain loops. Other tiers are tested
/// against it.
final class ScalarKernels implements Kernels {
    private static final int BLOCK_TOKENS = KvLayout.BLOCK_TOKENS;

    private final ComputePool pool;

    ScalarKernels(ComputePool pool) {
        this.pool = pool;
    }

    @Override
    public String name() {
        return "scalar";
    }

    @Override
    public LinearOperator linear(Tensor weight, PackedFormat format, ActivationPrecision precision, Arena arena) {
        return new ScalarLinear(PackedMatrix.pack(weight, format, pool, arena), precision, pool);
    }

    @Override
    public void rmsNorm(Activations in, float[] weight, float eps, Activations out) {
        int columns = in.columns();
        out.reset(in.tokens());
        for (int token = 0; token < in.tokens(); token++) {
            int from = token * in.stride();
            double sum = 0;
            for (int i = 0; i < columns; i++) {
                sum += (double) in.values()[from + i] * in.values()[from + i];
            }
            float scale = (float) (1 / Math.sqrt(sum / columns + eps));
            for (int i = 0; i < columns; i++) {
                out.values()[token * out.stride() + i] = in.values()[from + i] * scale * weight[i];
            }
        }
    }

    @Override
    public void add(Activations x, Activations delta) {
        int tokens = x.tokens();
        x.reset(tokens);
        for (int i = 0; i < tokens * x.stride(); i++) {
            x.values()[i] += delta.values()[i];
        }
    }

    @Override
    public void addBias(Activations x, float[] bias) {
        int tokens = x.tokens();
        x.reset(tokens);
        for (int token = 0; token < tokens; token++) {
            for (int i = 0; i < x.columns(); i++) {
                x.values()[token * x.stride() + i] += bias[i];
            }
        }
    }

    @Override
    public void swiglu(Activations gate, Activations up, Activations out) {
        int tokens = gate.tokens();
        out.reset(tokens);
        for (int i = 0; i < tokens * gate.stride(); i++) {
            float z = gate.values()[i];
            out.values()[i] = (float) (z / (1 + Math.exp(-z))) * up.values()[i];
        }
    }

    @Override
    public void rope(Activations x, int headDim, RopeTable table, RopePairing pairing, TokenBatch batch) {
        x.reset(x.tokens());
        ropeTokens(x, headDim, table, pairing, batch, 0, x.tokens());
    }

    /// [#rope] for the tokens `[from, to)`.
    static void ropeTokens(
            Activations x, int headDim, RopeTable table, RopePairing pairing, TokenBatch batch, int from, int to) {
        for (int token = from; token < to; token++) {
            float[] turns = table.turns(batch.position(token));
            int start = token * x.stride();
            for (int head = start; head < start + x.columns(); head += headDim) {
                turn(x.values(), head, turns, pairing);
            }
        }
    }

    /// `(a, b) -> (a cos - b sin, a sin + b cos)` for each pair of the head at `head`.
    private static void turn(float[] x, int head, float[] turns, RopePairing pairing) {
        int pairs = turns.length / 2;
        for (int i = 0; i < pairs; i++) {
            int first = head + (pairing == RopePairing.ADJACENT ? 2 * i : i);
            int second = first + (pairing == RopePairing.ADJACENT ? 1 : pairs);
            float a = x[first];
            float b = x[second];
            x[first] = a * turns[i] - b * turns[pairs + i];
            x[second] = a * turns[pairs + i] + b * turns[i];
        }
    }

    @Override
    public void storeKv(Activations keys, Activations values, KvLayout layout, int layer, TokenBatch batch) {
        storeTokens(keys, values, layout, layer, batch, 0, batch.tokenCount());
    }

    /// [#storeKv] for the tokens `[from, to)`.
    static void storeTokens(
            Activations keys, Activations values, KvLayout layout, int layer, TokenBatch batch, int from, int to) {
        for (int token = from; token < to; token++) {
            int slot = batch.position(token) % BLOCK_TOKENS;
            for (int head = 0; head < layout.kvHeads(layer); head++) {
                long key = headAddress(layout, layer, head, batch, token, batch.position(token) / BLOCK_TOKENS);
                int element = head * layout.headDim();
                layout.storeKey(batch.kv(), key, slot, keys.values(), token * keys.stride() + element);
                layout.storeValue(
                        batch.kv(), key + layout.keyBytes(), slot, values.values(), token * values.stride() + element);
            }
        }
    }

    private static long headAddress(KvLayout layout, int layer, int head, TokenBatch batch, int token, int block) {
        return batch.blockOffset(batch.sequence(token), block) + layout.headOffset(layer, head);
    }

    @Override
    public void attention(
            Activations query, KvLayout layout, int layer, float scale, TokenBatch batch, Activations out) {
        int heads = query.columns() / layout.headDim();
        out.reset(query.tokens());
        pool.run(query.tokens() * heads, 1, (from, to) -> {
            for (int i = from; i < to; i++) {
                attendHead(query, layout, layer, scale, batch, out, i / heads, i % heads);
            }
        });
    }

    private static void attendHead(
            Activations query,
            KvLayout layout,
            int layer,
            float scale,
            TokenBatch batch,
            Activations out,
            int token,
            int head) {
        int headDim = layout.headDim();
        int kvHead = head / (query.columns() / headDim / layout.kvHeads(layer));
        int from = token * query.stride() + head * headDim;
        double[] scores = new double[batch.position(token) + 1];
        for (int j = 0; j < scores.length; j++) {
            long key = headAddress(layout, layer, kvHead, batch, token, j / BLOCK_TOKENS);
            for (int d = 0; d < headDim; d++) {
                float k = layout.key(batch.kv(), key, j % BLOCK_TOKENS, d);
                scores[j] += query.values()[from + d] * k;
            }
            scores[j] *= scale;
        }
        softmax(scores);
        for (int d = 0; d < headDim; d++) {
            double sum = 0;
            for (int j = 0; j < scores.length; j++) {
                long value = headAddress(layout, layer, kvHead, batch, token, j / BLOCK_TOKENS) + layout.keyBytes();
                sum += scores[j] * layout.value(batch.kv(), value, j % BLOCK_TOKENS, d);
            }
            out.values()[token * out.stride() + head * headDim + d] = (float) sum;
        }
    }

    private static void softmax(double[] scores) {
        double max = Double.NEGATIVE_INFINITY;
        for (double score : scores) {
            max = Math.max(max, score);
        }
        double sum = 0;
        for (int j = 0; j < scores.length; j++) {
            scores[j] = Math.exp(scores[j] - max);
            sum += scores[j];
        }
        for (int j = 0; j < scores.length; j++) {
            scores[j] /= sum;
        }
    }
}
