package dev.trimtab.model;

import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.checkpoint.MetadataValue;
import dev.trimtab.tensor.Dequantizer;
import dev.trimtab.tensor.Tensor;
import java.util.Arrays;
import java.util.Set;
import java.util.function.DoubleUnaryOperator;
import java.util.stream.IntStream;

/// A forward pass in float64 from the families' descriptions, apart from the product's: a whole sequence of
/// plain arrays at once, no cache, no packing, each tensor looked up by name when its turn comes and used
/// because it is there. Slow and short.
final class ReferencePass {
    private static final Set<String> ADJACENT = Set.of("llama", "deci", "granite", "smollm3");

    private final Checkpoint file;
    private final String family;

    ReferencePass(Checkpoint file) {
        this.file = file;
        this.family = file.metadata().string("general.architecture");
    }

    /// `[ids.length][vocabSize]`
    double[][] logits(int... ids) {
        int hidden = whole("embedding_length", 0);
        double[][] embedding = matrix("token_embd.weight");
        double[][] x = new double[ids.length][];
        for (int t = 0; t < ids.length; t++) {
            double factor = family.startsWith("gemma") ? Math.sqrt(hidden) : real("embedding_scale", 1);
            x[t] = map(embedding[ids[t]], value -> value * factor);
            if (has("position_embd.weight")) {
                x[t] = sum(x[t], matrix("position_embd.weight")[t], 1);
            }
        }
        for (int layer = 0; layer < whole("block_count", 0); layer++) {
            x = layer("blk." + layer + ".", layer, x);
        }
        double[][] logits = multiply(norm(x, "output_norm"), has("output.weight") ? "output" : "token_embd");
        double cap = real("final_logit_softcapping", 0);
        for (int t = 0; t < ids.length; t++) {
            logits[t] = map(logits[t], value -> capped(value / real("logit_scale", 1), cap));
        }
        return logits;
    }

    private double[][] layer(String prefix, int layer, double[][] x) {
        double residual = real("residual_scale", 1);
        double[][] after = x;
        if (has(prefix + "attn_norm.weight")) {
            double[][] mixed = mix(prefix, layer, rounded(norm(x, prefix + "attn_norm")));
            after = add(after, optionalNorm(mixed, prefix + "post_attention_norm"), residual);
        }
        if (!has(prefix + "ffn_norm.weight")) {
            return after;
        }
        double[][] fed = feed(prefix, rounded(norm(after, prefix + "ffn_norm")));
        return add(after, optionalNorm(fed, prefix + "post_ffw_norm"), residual);
    }

    private double[][] mix(String prefix, int layer, double[][] x) {
        if (!has(prefix + "attn_q.weight") && !has(prefix + "attn_qkv.weight")) {
            return multiply(x, prefix + "attn_output");
        }
        int heads = whole("attention.head_count", layer);
        int kvHeads = contains("attention.head_count_kv") ? whole("attention.head_count_kv", layer) : heads;
        int width = contains("attention.key_length")
                ? whole("attention.key_length", 0)
                : whole("embedding_length", 0) / heads;
        double[][] q;
        double[][] k;
        double[][] v;
        if (has(prefix + "attn_qkv.weight")) {
            double[][] all = multiply(x, prefix + "attn_qkv");
            q = columns(all, 0, heads * width);
            k = columns(all, heads * width, (heads + kvHeads) * width);
            v = columns(all, (heads + kvHeads) * width, (heads + 2 * kvHeads) * width);
        } else {
            q = multiply(x, prefix + "attn_q");
            k = multiply(x, prefix + "attn_k");
            v = multiply(x, prefix + "attn_v");
        }
        double[][] attended = new double[x.length][heads * width];
        for (int head = 0; head < heads; head++) {
            int shared = head / (heads / kvHeads);
            double[][] result = attend(
                    turned(optionalNorm(columns(q, head * width, (head + 1) * width), prefix + "attn_q_norm"), layer),
                    turned(
                            optionalNorm(columns(k, shared * width, (shared + 1) * width), prefix + "attn_k_norm"),
                            layer),
                    columns(v, shared * width, (shared + 1) * width),
                    layer);
            for (int t = 0; t < x.length; t++) {
                System.arraycopy(result[t], 0, attended[t], head * width, width);
            }
        }
        return multiply(rounded(optionalNorm(attended, prefix + "attn_sub_norm")), prefix + "attn_output");
    }

    private double[][] attend(double[][] q, double[][] k, double[][] v, int layer) {
        double scale = real("attention.scale", 1 / Math.sqrt(q[0].length));
        double[][] out = new double[q.length][];
        for (int i = 0; i < q.length; i++) {
            int from = isLocal(layer) ? Math.max(0, i - whole("attention.sliding_window", 0) + 1) : 0;
            double[] scores = new double[i + 1 - from];
            for (int j = from; j <= i; j++) {
                scores[j - from] = capped(scale * dot(q[i], k[j]), real("attn_logit_softcapping", 0));
            }
            double[] weights = softmax(scores);
            out[i] = new double[v[0].length];
            for (int j = from; j <= i; j++) {
                out[i] = sum(out[i], v[j], weights[j - from]);
            }
        }
        return out;
    }

    private boolean isLocal(int layer) {
        if (!contains("attention.sliding_window")) {
            return false;
        }
        return switch (family) {
            case "gemma2" -> layer % 2 == 0;
            case "gemma3" -> layer % 6 != 5;
            default -> true;
        };
    }

    /// Each pair as a complex number, turned.
    private double[][] turned(double[][] head, int layer) {
        if (family.equals("gpt2") || (family.equals("smollm3") && layer % 4 == 3)) {
            return head;
        }
        int width = head[0].length;
        double[][] out = new double[head.length][width];
        for (int t = 0; t < head.length; t++) {
            for (int i = 0; i < width / 2; i++) {
                int re = ADJACENT.contains(family) ? 2 * i : i;
                int im = ADJACENT.contains(family) ? re + 1 : i + width / 2;
                double angle = t * speed(i, width, layer);
                double cos = magnitude() * Math.cos(angle);
                double sin = magnitude() * Math.sin(angle);
                out[t][re] = head[t][re] * cos - head[t][im] * sin;
                out[t][im] = head[t][re] * sin + head[t][im] * cos;
            }
        }
        return out;
    }

    private double magnitude() {
        double own = real("rope.scaling.attn_factor", 1);
        return isYarn() ? own * (0.1 * Math.log(real("rope.scaling.factor", 1)) + 1) : own;
    }

    private boolean isYarn() {
        return contains("rope.scaling.type")
                && file.metadata().string(family + ".rope.scaling.type").equals("yarn");
    }

    /// Radians a position, as Hugging Face's `modeling_rope_utils.py` has them.
    private double speed(int pair, int width, int layer) {
        boolean local = family.equals("gemma3") && isLocal(layer);
        double base = local ? 10_000 : real("rope.freq_base", 10_000);
        double extrapolated = 1 / Math.pow(base, 2.0 * pair / width);
        double factor = local ? 1 : real("rope.scaling.factor", 1);
        if (isYarn()) {
            double original = whole("rope.scaling.original_context_length", 0);
            double low = Math.floor(width * Math.log(original / (32 * 2 * Math.PI)) / (2 * Math.log(base)));
            double high = Math.ceil(width * Math.log(original / (2 * Math.PI)) / (2 * Math.log(base)));
            double start = Math.max(low, 0);
            double ramp = Math.clamp((pair - start) / Math.max(0.001, Math.min(high, width - 1) - start), 0.0, 1.0);
            return extrapolated / factor * ramp + extrapolated * (1 - ramp);
        }
        return extrapolated / factor / divisor(pair);
    }

    private double divisor(int pair) {
        if (has("rope_freqs.weight")) {
            return matrix("rope_freqs.weight")[0][pair];
        }
        if (!has("rope_factors_long.weight")) {
            return 1;
        }
        boolean isLong = whole("context_length", 0) > whole("rope.scaling.original_context_length", 0);
        return matrix(isLong ? "rope_factors_long.weight" : "rope_factors_short.weight")[0][pair];
    }

    private double[][] feed(String prefix, double[][] x) {
        if (has(prefix + "ffn_gate_inp.weight")) {
            return experts(prefix, x);
        }
        double[][] inner = multiply(x, prefix + "ffn_up");
        if (has(prefix + "ffn_gate.weight")) {
            inner = gated(multiply(x, prefix + "ffn_gate"), inner);
        } else if (family.equals("phi3")) {
            int half = inner[0].length / 2;
            inner = gated(columns(inner, 0, half), columns(inner, half, 2 * half));
        } else {
            inner = gated(inner, ones(inner));
        }
        return multiply(rounded(optionalNorm(inner, prefix + "ffn_sub_norm")), prefix + "ffn_down");
    }

    /// All experts on all tokens, those that were not chosen with weight 0.
    private double[][] experts(String prefix, double[][] x) {
        double[][] scores = multiply(x, prefix + "ffn_gate_inp");
        int count = scores[0].length;
        double[][] out = new double[x.length][x[0].length];
        double[][] gates = matrix(prefix + "ffn_gate_exps.weight");
        double[][] ups = matrix(prefix + "ffn_up_exps.weight");
        double[][] downs = matrix(prefix + "ffn_down_exps.weight");
        for (int e = 0; e < count; e++) {
            double[][] inner = gated(product(x, part(gates, e, count)), product(x, part(ups, e, count)));
            double[][] result = product(inner, part(downs, e, count));
            for (int t = 0; t < x.length; t++) {
                double[] shares = softmax(scores[t]);
                double threshold = Arrays.stream(shares).sorted().toArray()[count - whole("expert_used_count", 0)];
                double kept = Arrays.stream(shares)
                        .filter(share -> share >= threshold)
                        .sum();
                out[t] = sum(out[t], result[t], shares[e] >= threshold ? shares[e] / kept : 0);
            }
        }
        return out;
    }

    private double[][] gated(double[][] gate, double[][] up) {
        boolean gelu = family.startsWith("gemma") || family.equals("gpt2");
        double[][] out = new double[gate.length][];
        for (int t = 0; t < gate.length; t++) {
            int row = t;
            out[t] = IntStream.range(0, gate[t].length)
                    .mapToDouble(i -> bent(gate[row][i], gelu) * up[row][i])
                    .toArray();
        }
        return out;
    }

    private static double bent(double z, boolean gelu) {
        return gelu
                ? 0.5 * z * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (z + 0.044715 * Math.pow(z, 3))))
                : z * (1 / (1 + Math.exp(-z)));
    }

    private double[][] rounded(double[][] x) {
        if (!family.equals("bitnet")) {
            return x;
        }
        double[][] out = new double[x.length][];
        for (int t = 0; t < x.length; t++) {
            double step =
                    Math.max(1e-5, Arrays.stream(x[t]).map(Math::abs).max().orElseThrow()) / 127;
            out[t] = map(x[t], value -> Math.rint(value / step) * step);
        }
        return out;
    }

    private double[][] optionalNorm(double[][] x, String name) {
        return has(name + ".weight") ? norm(x, name) : x;
    }

    private double[][] norm(double[][] x, String name) {
        double[] weight = matrix(name + ".weight")[0];
        boolean centred = has(name + ".bias");
        double eps = real("attention.layer_norm_rms_epsilon", real("attention.layer_norm_epsilon", 0));
        double[][] out = new double[x.length][];
        for (int t = 0; t < x.length; t++) {
            double mean = centred ? Arrays.stream(x[t]).average().orElseThrow() : 0;
            double[] moved = map(x[t], value -> value - mean);
            double deviation = Math.sqrt(dot(moved, moved) / moved.length + eps);
            out[t] = IntStream.range(0, moved.length)
                    .mapToDouble(i -> moved[i] / deviation * weight[i])
                    .toArray();
            if (centred) {
                out[t] = sum(out[t], matrix(name + ".bias")[0], 1);
            }
        }
        return out;
    }

    private double[][] multiply(double[][] x, String name) {
        double[][] out = product(x, matrix(name + ".weight"));
        if (has(name + ".bias")) {
            double[] bias = matrix(name + ".bias")[0];
            Arrays.setAll(out, t -> sum(out[t], bias, 1));
        }
        return out;
    }

    private static double[][] product(double[][] x, double[][] matrix) {
        double[][] out = new double[x.length][];
        for (int t = 0; t < x.length; t++) {
            double[] row = x[t];
            out[t] = Arrays.stream(matrix)
                    .mapToDouble(weights -> dot(weights, row))
                    .toArray();
        }
        return out;
    }

    private static double[][] add(double[][] x, double[][] delta, double factor) {
        double[][] out = new double[x.length][];
        Arrays.setAll(out, t -> sum(x[t], delta[t], factor));
        return out;
    }

    private static double[] sum(double[] a, double[] b, double factor) {
        return IntStream.range(0, a.length)
                .mapToDouble(i -> a[i] + factor * b[i])
                .toArray();
    }

    private static double dot(double[] a, double[] b) {
        return IntStream.range(0, a.length).mapToDouble(i -> a[i] * b[i]).sum();
    }

    private static double[] map(double[] x, DoubleUnaryOperator f) {
        return Arrays.stream(x).map(f).toArray();
    }

    private static double[] softmax(double[] scores) {
        double[] powers = map(scores, Math::exp);
        double total = Arrays.stream(powers).sum();
        return map(powers, power -> power / total);
    }

    private static double capped(double value, double cap) {
        return cap == 0 ? value : cap * Math.tanh(value / cap);
    }

    private static double[][] columns(double[][] x, int from, int to) {
        return Arrays.stream(x).map(row -> Arrays.copyOfRange(row, from, to)).toArray(double[][]::new);
    }

    private static double[][] part(double[][] stack, int index, int count) {
        int rows = stack.length / count;
        return Arrays.copyOfRange(stack, index * rows, (index + 1) * rows);
    }

    private static double[][] ones(double[][] like) {
        return Arrays.stream(like).map(row -> map(row, _ -> 1)).toArray(double[][]::new);
    }

    private boolean has(String tensor) {
        return file.tensors().containsKey(tensor);
    }

    /// The rows of a tensor; those of all its matrices one after the other.
    private double[][] matrix(String name) {
        Tensor tensor = file.tensor(name);
        int columns = Math.toIntExact(tensor.shape().columns());
        double[][] rows = new double[Math.toIntExact(tensor.shape().rows())][columns];
        float[] row = new float[columns];
        for (int r = 0; r < rows.length; r++) {
            Dequantizer.decodeRow(tensor, r, row, 0);
            for (int i = 0; i < columns; i++) {
                rows[r][i] = row[i];
            }
        }
        return rows;
    }

    private boolean contains(String key) {
        return file.metadata().contains(family + "." + key);
    }

    private int whole(String key, int index) {
        String full = family + "." + key;
        return file.metadata().find(full).orElse(null) instanceof MetadataValue.Wholes
                ? (int) file.metadata().integers(full)[index]
                : (int) file.metadata().integer(full);
    }

    private double real(String key, double fallback) {
        return file.metadata().number(family + "." + key, fallback);
    }
}
