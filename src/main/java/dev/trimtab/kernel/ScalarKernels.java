package dev.trimtab.kernel;

import dev.trimtab.kernel.codebook.CodebookLinear;
import dev.trimtab.kernel.sparse.ScalarSparse;
import dev.trimtab.kernel.sparse.SparsePanels;
import dev.trimtab.tensor.Tensor;
import dev.trimtab.tensor.TensorForm;
import java.lang.foreign.Arena;
import java.util.function.DoubleUnaryOperator;

/// The reference tier: every operation as its formula reads, in plain loops. Other tiers are tested
/// against it.
public final class ScalarKernels implements Kernels {
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
    public LinearOperator codebook(TensorForm.Codebook form, Arena arena) {
        return new CodebookLinear(form, PanelProduct::plain, pool, arena);
    }

    @Override
    public LinearOperator vectorSparse(TensorForm.VectorSparse weight, Arena arena) {
        return new ScalarSparse(SparsePanels.pack(weight, arena), pool);
    }

    @Override
    public void rmsNorm(Activations in, float[] weight, float eps, Activations out) {
        out.reset(in.tokens());
        for (int token = 0; token < in.tokens(); token++) {
            rmsNorm(in.values(), token * in.stride(), weight, eps, out.values(), token * out.stride());
        }
    }

    private static void rmsNorm(float[] in, int from, float[] weight, float eps, float[] out, int at) {
        double sum = 0;
        for (int i = 0; i < weight.length; i++) {
            sum += (double) in[from + i] * in[from + i];
        }
        float scale = (float) (1 / Math.sqrt(sum / weight.length + eps));
        for (int i = 0; i < weight.length; i++) {
            out[at + i] = in[from + i] * scale * weight[i];
        }
    }

    @Override
    public void rmsNormHeads(Activations x, float[] weight, float eps) {
        x.reset(x.tokens());
        for (int token = 0; token < x.tokens(); token++) {
            for (int head = 0; head < x.columns(); head += weight.length) {
                int from = token * x.stride() + head;
                rmsNorm(x.values(), from, weight, eps, x.values(), from);
            }
        }
    }

    @Override
    public void layerNorm(Activations in, float[] weight, float[] bias, float eps, Activations out) {
        int columns = in.columns();
        out.reset(in.tokens());
        for (int token = 0; token < in.tokens(); token++) {
            int from = token * in.stride();
            double sum = 0;
            for (int i = 0; i < columns; i++) {
                sum += in.values()[from + i];
            }
            double mean = sum / columns;
            double squares = 0;
            for (int i = 0; i < columns; i++) {
                squares += Math.pow(in.values()[from + i] - mean, 2);
            }
            double scale = 1 / Math.sqrt(squares / columns + eps);
            for (int i = 0; i < columns; i++) {
                double normed = (in.values()[from + i] - mean) * scale;
                out.values()[token * out.stride() + i] = (float) (normed * weight[i] + bias[i]);
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
    public void addRows(Activations x, int[] rows, float[] weights, Activations delta) {
        x.reset(x.tokens());
        for (int row = 0; row < delta.tokens(); row++) {
            for (int i = 0; i < x.columns(); i++) {
                x.values()[rows[row] * x.stride() + i] += weights[row] * delta.values()[row * delta.stride() + i];
            }
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
    public void scale(Activations x, float factor) {
        map(x, value -> value * factor);
    }

    @Override
    public void softCap(Activations x, float cap) {
        map(x, value -> cap * Math.tanh(value / cap));
    }

    @Override
    public void roundToInt8(Activations x) {
        x.reset(x.tokens());
        for (int token = 0; token < x.tokens(); token++) {
            int start = token * x.stride();
            float extreme = SMALLEST_EXTREME;
            for (int i = start; i < start + x.columns(); i++) {
                extreme = Math.max(extreme, Math.abs(x.values()[i]));
            }
            float steps = 127 / extreme;
            for (int i = start; i < start + x.columns(); i++) {
                x.values()[i] = (float) Math.rint(x.values()[i] * steps) / steps;
            }
        }
    }

    @Override
    public void activate(Nonlinearity f, Activations in, Activations out) {
        int tokens = in.tokens();
        out.reset(tokens);
        for (int i = 0; i < tokens * in.stride(); i++) {
            out.values()[i] = (float) apply(f, in.values()[i]);
        }
    }

    @Override
    public void gate(Nonlinearity f, Activations gate, Activations up, Activations out) {
        activate(f, gate, out);
        for (int i = 0; i < out.tokens() * out.stride(); i++) {
            out.values()[i] *= up.values()[i];
        }
    }

    private static void map(Activations x, DoubleUnaryOperator f) {
        int tokens = x.tokens();
        x.reset(tokens);
        for (int i = 0; i < tokens * x.stride(); i++) {
            x.values()[i] = (float) f.applyAsDouble(x.values()[i]);
        }
    }

    private static double apply(Nonlinearity f, double z) {
        return switch (f) {
            case SILU -> z / (1 + Math.exp(-z));
            case GELU -> z * normal(z);
            case GELU_TANH -> z / 2 * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (z + 0.044715 * z * z * z)));
        };
    }

    /// The normal distribution function, `1/2 + phi(z) (z + z^3/3 + z^5/(3 5) + ..)`, phi the density
    /// (Abramowitz and Stegun 26.2.11). Beyond 9 deviations it is 0 or 1 in f32.
    private static double normal(double z) {
        if (Math.abs(z) > 9) {
            return z > 0 ? 1 : 0;
        }
        double sum = 0;
        double term = z;
        for (int k = 3; Math.abs(term) > 1e-20; k += 2) {
            sum += term;
            term *= z * z / k;
        }
        return 0.5 + sum * Math.exp(-z * z / 2) / Math.sqrt(2 * Math.PI);
    }

    @Override
    public void rope(Activations x, int headDim, RopeTable table, RopePairing pairing, TokenBatch batch) {
        x.reset(x.tokens());
        ropeTokens(x, headDim, table, pairing, batch, 0, x.tokens());
    }

    /// [#rope] for the tokens `[from, to)`.
    public static void ropeTokens(
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
    public static void storeTokens(
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
            Activations query, KvLayout layout, int layer, AttentionRule rule, TokenBatch batch, Activations out) {
        int heads = query.columns() / layout.headDim();
        out.reset(query.tokens());
        pool.run(query.tokens() * heads, 1, (from, to) -> {
            for (int i = from; i < to; i++) {
                attendHead(query, layout, layer, rule, batch, out, i / heads, i % heads);
            }
        });
    }

    private static void attendHead(
            Activations query,
            KvLayout layout,
            int layer,
            AttentionRule rule,
            TokenBatch batch,
            Activations out,
            int token,
            int head) {
        int headDim = layout.headDim();
        int kvHead = head / (query.columns() / headDim / layout.kvHeads(layer));
        int from = token * query.stride() + head * headDim;
        int first = rule.firstVisible(batch.position(token));
        double[] scores = new double[batch.position(token) + 1 - first];
        for (int j = 0; j < scores.length; j++) {
            long key = headAddress(layout, layer, kvHead, batch, token, (first + j) / BLOCK_TOKENS);
            for (int d = 0; d < headDim; d++) {
                float k = layout.key(batch.kv(), key, (first + j) % BLOCK_TOKENS, d);
                scores[j] += query.values()[from + d] * k;
            }
            scores[j] *= rule.scale();
            if (rule.softCap() > 0) {
                scores[j] = rule.softCap() * Math.tanh(scores[j] / rule.softCap());
            }
        }
        softmax(scores);
        for (int d = 0; d < headDim; d++) {
            double sum = 0;
            for (int j = 0; j < scores.length; j++) {
                int position = first + j;
                long key = headAddress(layout, layer, kvHead, batch, token, position / BLOCK_TOKENS);
                long value = key + layout.keyBytes();
                sum += scores[j] * layout.value(batch.kv(), value, position % BLOCK_TOKENS, d);
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
