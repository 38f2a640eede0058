package dev.trimtab.model;

import dev.trimtab.checkpoint.Metadata;
import dev.trimtab.checkpoint.MetadataValue;
import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.Unsupported;
import dev.trimtab.kernel.Kernels.AttentionRule;
import dev.trimtab.kernel.Kernels.Nonlinearity;
import dev.trimtab.kernel.RopePairing;
import dev.trimtab.model.Architecture.Trait;
import dev.trimtab.model.Rotation.Scaling;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntPredicate;

/// Reads a [ModelConfig] from metadata. Keys are llama.cpp's (`src/llama-arch.cpp`), and so are the values
/// that a family has where a file leaves a key out (`src/llama-model.cpp`, `load_hparams`).
final class ConfigReader {
    /// Caps far above any trained model; they bound what a hostile file can make us allocate.
    private static final int HIDDEN_SIZE_MAX = 1 << 17;

    private static final int INTERMEDIATE_SIZE_MAX = 1 << 20;
    private static final int LAYERS_MAX = 1024;
    private static final int HEADS_MAX = 4096;
    private static final int HEAD_DIM_MAX = 1024;
    private static final int CONTEXT_MAX = 1 << 24;
    private static final int EXPERTS_MAX = 1024;

    private final Metadata metadata;
    private final Architecture architecture;
    private final int hiddenSize;
    private final int layerCount;

    ConfigReader(Metadata metadata) {
        String name = metadata.string("general.architecture");
        this.metadata = metadata;
        this.architecture = Architecture.of(name)
                .orElseThrow(() -> new Unsupported(metadata.source() + ": architecture `" + name
                        + "` is not supported; supported: " + Architecture.names()));
        this.hiddenSize = metadata.integer(key("embedding_length"), 1, HIDDEN_SIZE_MAX);
        this.layerCount = metadata.integer(key("block_count"), 1, LAYERS_MAX);
    }

    ModelConfig read(int vocabSize) {
        List<ModelConfig.Layer> layers = layers();
        int heads = layers.stream()
                .mapToInt(ModelConfig.Layer::numAttentionHeads)
                .max()
                .orElseThrow();
        int headDim = metadata.integer(key("attention.key_length"), 1, HEAD_DIM_MAX, hiddenSize / heads);
        int valueDim = metadata.integer(key("attention.value_length"), 1, HEAD_DIM_MAX, headDim);
        if (valueDim != headDim) {
            throw new Unsupported(where("attention.value_length") + ": " + valueDim + " where keys have " + headDim);
        }
        int contextLength = metadata.integer(key("context_length"), 1, CONTEXT_MAX);
        Rotation rotation = rotation(headDim, contextLength);
        return new ModelConfig(
                architecture,
                vocabSize,
                hiddenSize,
                layers,
                headDim,
                rotation,
                localRotation(rotation),
                ropePairing(),
                attentionScale(headDim, heads),
                real("attn_logit_softcapping", architecture == Architecture.GEMMA2 ? 50 : 0),
                real("final_logit_softcapping", architecture == Architecture.GEMMA2 ? 30 : 0),
                multipliers(),
                experts(),
                nonlinearity(),
                contextLength,
                (float) metadata.number(key(
                        architecture.has(Trait.LAYER_NORMS)
                                ? "attention.layer_norm_epsilon"
                                : "attention.layer_norm_rms_epsilon")));
    }

    private List<ModelConfig.Layer> layers() {
        int smallest = architecture == Architecture.DECI ? 0 : 1;
        int[] heads = perLayer("attention.head_count", smallest, HEADS_MAX);
        int[] kvHeads = metadata.contains(key("attention.head_count_kv"))
                ? perLayer("attention.head_count_kv", smallest, HEADS_MAX)
                : heads;
        int[] intermediate = perLayer(
                metadata.contains(key("expert_feed_forward_length"))
                        ? "expert_feed_forward_length"
                        : "feed_forward_length",
                smallest,
                INTERMEDIATE_SIZE_MAX);
        int window = window();
        IntPredicate windowed = windowed();
        List<ModelConfig.Layer> layers = new ArrayList<>(layerCount);
        for (int i = 0; i < layerCount; i++) {
            int keyValue = heads[i] == 0 ? 0 : kvHeads[i];
            if (keyValue > 0 && heads[i] % keyValue != 0) {
                throw BadCheckpoint.mismatch(
                        metadata.source() + ": layer " + i,
                        "attention heads that are a multiple of its " + keyValue + " KV heads",
                        heads[i]);
            }
            boolean local = window != AttentionRule.UNBOUNDED && windowed.test(i);
            layers.add(new ModelConfig.Layer(
                    heads[i], keyValue, intermediate[i], local ? window : AttentionRule.UNBOUNDED, turning(i, local)));
        }
        if (layers.stream().noneMatch(ModelConfig.Layer::attends)) {
            throw new Unsupported(metadata.source() + ": no layer has attention");
        }
        return layers;
    }

    private ModelConfig.Turning turning(int layer, boolean local) {
        boolean still = architecture.has(Trait.LEARNED_POSITIONS)
                || (architecture.has(Trait.NO_ROPE_EVERY_FOURTH) && (layer + 1) % 4 == 0);
        if (still) {
            return ModelConfig.Turning.NONE;
        }
        return local ? ModelConfig.Turning.LOCAL : ModelConfig.Turning.GLOBAL;
    }

    private int window() {
        int fallback = architecture == Architecture.GEMMA2 ? 4096 : 0;
        int window = metadata.integer(key("attention.sliding_window"), 0, Integer.MAX_VALUE, fallback);
        return window == 0 ? AttentionRule.UNBOUNDED : window;
    }

    /// Which layers are windowed where there is a window: those that an array of flags names, or all but
    /// every n-th.
    private IntPredicate windowed() {
        String key = key("attention.sliding_window_pattern");
        if (metadata.find(key).orElse(null) instanceof MetadataValue.Flags(boolean[] flags)) {
            if (flags.length != layerCount) {
                throw BadCheckpoint.mismatch(
                        metadata.source() + ": metadata " + key, layerCount + " entries", flags.length);
            }
            return layer -> flags[layer];
        }
        int fallback = architecture == Architecture.GEMMA2 ? 2 : architecture == Architecture.GEMMA3 ? 6 : 0;
        int period = metadata.integer(key, 0, LAYERS_MAX, fallback);
        return layer -> period == 0 || (layer + 1) % period != 0;
    }

    private Rotation rotation(int headDim, int contextLength) {
        int dimension = metadata.integer(key("rope.dimension_count"), 2, headDim, headDim);
        if (dimension % 2 != 0 && !architecture.has(Trait.LEARNED_POSITIONS)) {
            throw BadCheckpoint.mismatch(where("rope.dimension_count"), "an even number", dimension);
        }
        double factor = metadata.number(key("rope.scaling.factor"), metadata.number(key("rope.scale_linear"), 1));
        return new Rotation(
                dimension,
                metadata.number(key("rope.freq_base"), 10_000),
                scaling(factor),
                factor == 0 ? 1 : factor,
                metadata.integer(key("rope.scaling.original_context_length"), 1, CONTEXT_MAX, contextLength),
                metadata.number(key("rope.scaling.attn_factor"), 1),
                metadata.number(key("rope.scaling.yarn_beta_fast"), 32),
                metadata.number(key("rope.scaling.yarn_beta_slow"), 1));
    }

    /// A factor without a type is linear.
    private Scaling scaling(double factor) {
        if (factor < 0) {
            throw BadCheckpoint.mismatch(where("rope.scaling.factor"), "a positive number", factor);
        }
        boolean scaled = factor != 0 && factor != 1;
        String type = metadata.string(key("rope.scaling.type"), scaled ? "linear" : "none");
        return switch (type) {
            case "none", "longrope" -> Scaling.NONE;
            case "linear" -> Scaling.LINEAR;
            case "yarn" -> Scaling.YARN;
            default -> throw new Unsupported(where("rope.scaling.type") + ": " + type);
        };
    }

    /// Gemma 3's windowed layers turn by a base of their own, unscaled.
    private Rotation localRotation(Rotation global) {
        return architecture == Architecture.GEMMA3
                ? Rotation.plain(global.dimension(), metadata.number(key("rope.freq_base_swa"), 10_000))
                : global;
    }

    /// Hugging Face's layout keeps the rows that GGUF's converters permute for some families.
    private RopePairing ropePairing() {
        String pairing = metadata.string(Metadata.ROPE_PAIRING, "");
        return switch (pairing) {
            case "" -> architecture.ropePairing();
            case "halves" -> RopePairing.HALVES;
            case "adjacent" -> RopePairing.ADJACENT;
            default ->
                throw BadCheckpoint.mismatch(
                        metadata.source() + ": metadata " + Metadata.ROPE_PAIRING, "halves or adjacent", pairing);
        };
    }

    /// The 27B models of Gemma 2 and 3, which their files tell by the number of layers only, scale by the
    /// hidden size over the heads.
    private float attentionScale(int headDim, int heads) {
        boolean large = (architecture == Architecture.GEMMA2 && layerCount == 46)
                || (architecture == Architecture.GEMMA3 && layerCount == 62);
        double own = metadata.number(key("attention.scale"), 0);
        int divisor = large ? hiddenSize / heads : headDim;
        return (float) (own != 0 ? own : 1 / Math.sqrt(divisor));
    }

    private ModelConfig.Multipliers multipliers() {
        double embedding = architecture.has(Trait.SCALED_EMBEDDING) ? Math.sqrt(hiddenSize) : 1;
        float logits = real("logit_scale", 1);
        if (logits == 0) {
            throw BadCheckpoint.mismatch(where("logit_scale"), "a number other than 0", logits);
        }
        return new ModelConfig.Multipliers(real("embedding_scale", embedding), real("residual_scale", 1), 1 / logits);
    }

    private ModelConfig.Experts experts() {
        int count = metadata.integer(key("expert_count"), 0, EXPERTS_MAX, 0);
        int used = count == 0 ? 0 : metadata.integer(key("expert_used_count"), 1, count);
        return new ModelConfig.Experts(count, used);
    }

    private Nonlinearity nonlinearity() {
        String name = metadata.string(Metadata.HIDDEN_ACT, "");
        return switch (name) {
            case "" -> architecture.nonlinearity();
            case "silu", "swish" -> Nonlinearity.SILU;
            case "gelu" -> Nonlinearity.GELU;
            case "gelu_new", "gelu_fast", "gelu_pytorch_tanh" -> Nonlinearity.GELU_TANH;
            default -> throw new Unsupported(metadata.source() + ": hidden_act " + name);
        };
    }

    /// A scalar for all layers, or an array with one entry each.
    private int[] perLayer(String name, int min, int max) {
        String key = key(name);
        int[] values = new int[layerCount];
        if (!(metadata.find(key).orElse(null) instanceof MetadataValue.Array)) {
            Arrays.fill(values, metadata.integer(key, min, max));
            return values;
        }
        long[] listed = metadata.integers(key);
        if (listed.length != layerCount) {
            throw BadCheckpoint.mismatch(where(name), layerCount + " entries", listed.length);
        }
        for (int i = 0; i < layerCount; i++) {
            if (listed[i] < min || listed[i] > max) {
                throw BadCheckpoint.mismatch(
                        where(name) + "[" + i + "]", "an integer in " + min + ".." + max, listed[i]);
            }
            values[i] = (int) listed[i];
        }
        return values;
    }

    private float real(String name, double fallback) {
        return (float) metadata.number(key(name), fallback);
    }

    private String key(String name) {
        return architecture.ggufName() + "." + name;
    }

    private String where(String name) {
        return metadata.source() + ": metadata " + key(name);
    }
}
