package dev.trimtab.model;

import dev.trimtab.kernel.Kernels;
import dev.trimtab.kernel.KvLayout;
import dev.trimtab.kernel.LinearOperator;
import dev.trimtab.kernel.RopeTable;
import dev.trimtab.model.Architecture.Trait;
import dev.trimtab.model.observe.ForwardObserver.Half;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/// Makes a layer's blocks of its tensors, as the family's traits and the layer's sizes say: the one place
/// where they are wired.
final class LayerLoader {
    private final ModelConfig config;
    private final Kernels kernels;
    private final TensorReader reader;
    private final KvLayout kvLayout;
    private final Scratch scratch;
    private final RopeTable globalTable;
    private final RopeTable localTable;

    LayerLoader(ModelConfig config, Kernels kernels, TensorReader reader, KvLayout kvLayout, Scratch scratch) {
        this.config = config;
        this.kernels = kernels;
        this.reader = reader;
        this.kvLayout = kvLayout;
        this.scratch = scratch;
        float[] factors = ropeFactors();
        this.globalTable = config.rotation().table(factors);
        this.localTable = config.localRotation().equals(config.rotation())
                ? globalTable
                : config.localRotation().table(factors);
    }

    /// Divisors of the rotary frequencies: Llama 3's, or LongRoPE's, which have one set for contexts as long
    /// as trained and one for longer ones; the longest context that is served decides, so that a key turned
    /// once stays right as its sequence grows.
    private float[] ropeFactors() {
        boolean isLong = config.maxPositionEmbeddings() > config.rotation().originalContext();
        String scaled = isLong ? "rope_factors_long.weight" : "rope_factors_short.weight";
        reader.ignore("rope_factors_long.weight");
        reader.ignore("rope_factors_short.weight");
        int pairs = config.rotation().dimension() / 2;
        if (reader.has(scaled)) {
            return reader.vector(scaled, pairs);
        }
        if (reader.has("rope_freqs.weight")) {
            return reader.vector("rope_freqs.weight", pairs);
        }
        float[] ones = new float[pairs];
        Arrays.fill(ones, 1);
        return ones;
    }

    /// The blocks of layer `index`.
    List<Block> blocks(int index) {
        String prefix = "blk." + index + ".";
        ModelConfig.Layer layer = config.layers().get(index);
        List<Block> blocks = new ArrayList<>();
        // Old converters wrote the rotation's frequencies into each layer; the configuration says the same.
        reader.ignore(prefix + "attn_rot_embd.weight");
        if (layer.attends()) {
            blocks.add(reader.block(index, Half.ATTENTION, attention(prefix, index, layer)));
        } else if (layer.numAttentionHeads() > 0) {
            int size = config.hiddenSize();
            Affine projection = reader.affine(prefix + "attn_output", size, size);
            Block linear = new LinearBlock(kernels, residual(prefix + "attn_norm", ""), projection, scratch);
            blocks.add(reader.block(index, Half.ATTENTION, linear));
        }
        if (layer.intermediateSize() > 0) {
            Residual residual = residual(prefix + "ffn_norm", prefix + "post_ffw_norm");
            Block block = config.experts().count() > 0
                    ? experts(prefix, layer, residual)
                    : new DenseBlock(residual, network(prefix, layer), config.hiddenSize(), scratch);
            blocks.add(reader.block(index, Half.FEED_FORWARD, block));
        }
        return blocks;
    }

    private Residual residual(String inputNorm, String postNorm) {
        Optional<Norm> post = config.architecture().has(Trait.POST_NORMS)
                ? Optional.of(norm(postNorm, config.hiddenSize()))
                : Optional.empty();
        return new Residual(kernels, norm(inputNorm, config.hiddenSize()), post, config, scratch);
    }

    /// The norm `{name}.weight`, with its bias where the family's have one.
    Norm norm(String name, int length) {
        boolean centred = config.architecture().has(Trait.LAYER_NORMS);
        return new Norm(
                reader.vector(name + ".weight", length),
                centred ? reader.vector(name + ".bias", length) : new float[0],
                config.normEps());
    }

    private Optional<Norm> subNorm(String name, int length) {
        return config.architecture().has(Trait.SUB_NORMS) ? Optional.of(norm(name, length)) : Optional.empty();
    }

    private Block attention(String prefix, int index, ModelConfig.Layer layer) {
        int queryRows = layer.numAttentionHeads() * config.headDim();
        int keyRows = layer.numKeyValueHeads() * config.headDim();
        Optional<AttentionBlock.HeadNorms> headNorms = config.architecture().has(Trait.HEAD_NORMS)
                ? Optional.of(new AttentionBlock.HeadNorms(
                        reader.vector(prefix + "attn_q_norm.weight", config.headDim()),
                        reader.vector(prefix + "attn_k_norm.weight", config.headDim()),
                        config.normEps()))
                : Optional.empty();
        AttentionBlock.Parts parts = new AttentionBlock.Parts(
                projection(prefix, "attn_q", layer, 0, queryRows),
                projection(prefix, "attn_k", layer, queryRows, keyRows),
                projection(prefix, "attn_v", layer, queryRows + keyRows, keyRows),
                reader.affine(prefix + "attn_output", config.hiddenSize(), queryRows),
                headNorms,
                subNorm(prefix + "attn_sub_norm", queryRows));
        Optional<RopeTable> table = switch (layer.turning()) {
            case NONE -> Optional.empty();
            case GLOBAL -> Optional.of(globalTable);
            case LOCAL -> Optional.of(localTable);
        };
        AttentionBlock.Positions positions =
                new AttentionBlock.Positions(index, kvLayout, config.attentionRule(layer), table, config.ropePairing());
        Residual residual = residual(prefix + "attn_norm", prefix + "post_attention_norm");
        return new AttentionBlock(kernels, residual, parts, positions, scratch);
    }

    /// q, k or v: its own tensor, or `rows` from `first` of the fused one.
    private Affine projection(String prefix, String name, ModelConfig.Layer layer, int first, int rows) {
        if (!config.architecture().has(Trait.FUSED_QKV) || reader.has(prefix + name + ".weight")) {
            return reader.affine(prefix + name, rows, config.hiddenSize());
        }
        int all = (layer.numAttentionHeads() + 2 * layer.numKeyValueHeads()) * config.headDim();
        return reader.slice(prefix + "attn_qkv", all, config.hiddenSize(), first, rows);
    }

    private FeedForward network(String prefix, ModelConfig.Layer layer) {
        int inner = layer.intermediateSize();
        int outer = config.hiddenSize();
        boolean fused = config.architecture().has(Trait.FUSED_GATE_UP) && !reader.has(prefix + "ffn_gate.weight");
        Optional<Affine> gate;
        if (config.architecture().has(Trait.NO_GATE)) {
            gate = Optional.empty();
        } else {
            gate = Optional.of(
                    fused
                            ? reader.slice(prefix + "ffn_up", 2 * inner, outer, 0, inner)
                            : reader.affine(prefix + "ffn_gate", inner, outer));
        }
        Affine up = fused
                ? reader.slice(prefix + "ffn_up", 2 * inner, outer, inner, inner)
                : reader.affine(prefix + "ffn_up", inner, outer);
        Affine down = reader.affine(prefix + "ffn_down", outer, inner);
        Optional<Norm> subNorm = subNorm(prefix + "ffn_sub_norm", inner);
        FeedForward.Parts parts = new FeedForward.Parts(gate, up, down, subNorm);
        return new FeedForward(kernels, config.nonlinearity(), parts, scratch);
    }

    private Block experts(String prefix, ModelConfig.Layer layer, Residual residual) {
        int count = config.experts().count();
        int inner = layer.intermediateSize();
        int outer = config.hiddenSize();
        LinearOperator router = reader.matrix(reader.weight(prefix + "ffn_gate_inp.weight", count, outer));
        List<FeedForward> experts = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            FeedForward.Parts parts = new FeedForward.Parts(
                    Optional.of(expert(prefix + "ffn_gate", i, inner, outer)),
                    expert(prefix + "ffn_up", i, inner, outer),
                    expert(prefix + "ffn_down", i, outer, inner),
                    Optional.empty());
            experts.add(new FeedForward(kernels, config.nonlinearity(), parts, scratch));
        }
        return new ExpertsBlock(
                kernels, residual, router, experts, config.experts().used(), scratch);
    }

    /// One expert's matrix: a part of the fused tensor `{name}_exps.weight` `[experts, rows, columns]`, or
    /// `{name}.{index}.weight`, as old files and Hugging Face's have it.
    private Affine expert(String name, int index, int rows, int columns) {
        String fused = name + "_exps.weight";
        Weight weight = reader.has(fused)
                ? reader.weight(fused, config.experts().count(), rows, columns).rows((long) index * rows, rows)
                : reader.weight(name + "." + index + ".weight", rows, columns);
        return new Affine(reader.matrix(weight), new float[0]);
    }
}
