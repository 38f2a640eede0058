package dev.trimtab.model;

import dev.trimtab.checkpoint.Metadata;
import dev.trimtab.checkpoint.MetadataValue;
import dev.trimtab.checkpoint.coupling.ModelSizes;
import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.Unsupported;
import dev.trimtab.kernel.Kernels.AttentionRule;
import dev.trimtab.kernel.Kernels.Nonlinearity;
import dev.trimtab.kernel.RopePairing;
import dev.trimtab.model.Architecture.Trait;
import dev.trimtab.model.Rotation.Scaling;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntPredicate;

/// Reads a [ModelConfig] from metadata. Keys are llama.cpp's (`src/llama-arch.cpp`), and so are the values
/// that a family has where a file leaves a key out (`src/llama-model.cpp`, `load_hparams`).
final class ConfigReader {
    /// Caps far above any trained model; they bound what a hostile file can make us allocate.
    private static final int CONTEXT_MAX = 1 << 24;

    private static final int WINDOW_PERIOD_MAX = 1024;
    private static final int EXPERTS_MAX = 1024;

    private final Metadata metadata;
    private final Architecture architecture;
    private final ModelSizes sizes;

    ConfigReader(Metadata metadata) {
        String name = metadata.string("general.architecture");
        this.metadata = metadata;
        this.architecture = Architecture.of(name)
                .orElseThrow(() -> new Unsupported(metadata.source() + ": architecture `" + name
                        + "` is not supported; supported: " + Architecture.names()));
        this.sizes = ModelSizes.of(metadata);
    }

    ModelConfig read(int vocabSize) {
        List<ModelConfig.Layer> layers = layers();
        int heads = layers.stream()
                .mapToInt(ModelConfig.Layer::numAttentionHeads)
                .max()
                .orElseThrow();
        int headDim = sizes.headDim();
        int contextLength = metadata.integer(key("context_length"), 1, CONTEXT_MAX);
        Rotation rotation = rotation(headDim, contextLength);
        return new ModelConfig(
                architecture,
                vocabSize,
                sizes.hiddenSize(),
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
        int window = window();
        IntPredicate windowed = windowed();
        List<ModelConfig.Layer> layers = new ArrayList<>();
        for (ModelSizes.LayerSizes layer : sizes.layers()) {
            int index = layers.size();
            boolean local = window != AttentionRule.UNBOUNDED && windowed.test(index);
            layers.add(new ModelConfig.Layer(
                    layer.numAttentionHeads(),
                    layer.numKeyValueHeads(),
                    layer.intermediateSize(),
                    local ? window : AttentionRule.UNBOUNDED,
                    turning(index, local)));
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
            if (flags.length != sizes.layers().size()) {
                throw BadCheckpoint.mismatch(
                        metadata.source() + ": metadata " + key, sizes.layers().size() + " entries", flags.length);
            }
            return layer -> flags[layer];
        }
        int fallback = architecture == Architecture.GEMMA2 ? 2 : architecture == Architecture.GEMMA3 ? 6 : 0;
        int period = metadata.integer(key, 0, WINDOW_PERIOD_MAX, fallback);
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
        boolean large = (architecture == Architecture.GEMMA2 && sizes.layers().size() == 46)
                || (architecture == Architecture.GEMMA3 && sizes.layers().size() == 62);
        double own = metadata.number(key("attention.scale"), 0);
        int divisor = large ? sizes.hiddenSize() / heads : headDim;
        return (float) (own != 0 ? own : 1 / Math.sqrt(divisor));
    }

    private ModelConfig.Multipliers multipliers() {
        double embedding = architecture.has(Trait.SCALED_EMBEDDING) ? Math.sqrt(sizes.hiddenSize()) : 1;
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
