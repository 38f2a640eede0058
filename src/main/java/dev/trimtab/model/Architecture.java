package dev.trimtab.model;

import static dev.trimtab.kernel.Kernels.Nonlinearity.GELU_TANH;
import static dev.trimtab.kernel.Kernels.Nonlinearity.SILU;
import static dev.trimtab.kernel.RopePairing.ADJACENT;
import static dev.trimtab.kernel.RopePairing.HALVES;

import dev.trimtab.kernel.Kernels.Nonlinearity;
import dev.trimtab.kernel.RopePairing;
import java.util.Arrays;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/// The model families the forward pass is wired for, as data: a family is a row here. What a row says is what
/// the file does not: sizes, multipliers and windows are read by [ModelConfig]; a bias of any matrix is added
/// where the file has one.
public enum Architecture {
    /// Llama 1-3, Mistral, SmolLM 1-2; with experts Mixtral. GGUF stores their q and k rows permuted so that
    /// neighbours pair.
    LLAMA("llama", ADJACENT, SILU),
    /// Llama whose sizes differ by layer, down to no attention, attention that is one matrix, or no
    /// feed-forward (Nemotron NAS; what structured pruning writes).
    DECI("deci", ADJACENT, SILU),
    /// Llama with four multipliers.
    GRANITE("granite", ADJACENT, SILU),
    SMOLLM3("smollm3", ADJACENT, SILU, Trait.NO_ROPE_EVERY_FOURTH),
    QWEN2("qwen2", HALVES, SILU),
    QWEN3("qwen3", HALVES, SILU, Trait.HEAD_NORMS),
    QWEN3MOE("qwen3moe", HALVES, SILU, Trait.HEAD_NORMS),
    PHI3("phi3", HALVES, SILU, Trait.FUSED_QKV, Trait.FUSED_GATE_UP),
    GEMMA("gemma", HALVES, GELU_TANH, Trait.SCALED_EMBEDDING),
    GEMMA2("gemma2", HALVES, GELU_TANH, Trait.SCALED_EMBEDDING, Trait.POST_NORMS),
    GEMMA3("gemma3", HALVES, GELU_TANH, Trait.SCALED_EMBEDDING, Trait.POST_NORMS, Trait.HEAD_NORMS),
    GPT2("gpt2", HALVES, GELU_TANH, Trait.LAYER_NORMS, Trait.LEARNED_POSITIONS, Trait.FUSED_QKV, Trait.NO_GATE),
    BITNET("bitnet", HALVES, SILU, Trait.SUB_NORMS, Trait.ROUNDED_INPUTS);

    /// In what a family's wiring differs from Llama's.
    public enum Trait {
        /// `token_embd` is multiplied by the square root of the hidden size.
        SCALED_EMBEDDING,
        /// Positions are rows of `position_embd`, added to the embedding; nothing turns.
        LEARNED_POSITIONS,
        /// Norms subtract the mean and have a bias.
        LAYER_NORMS,
        /// A norm before each residual sum too: `post_attention_norm`, `post_ffw_norm`.
        POST_NORMS,
        /// A norm before the last matrix of each block: `attn_sub_norm`, `ffn_sub_norm`.
        SUB_NORMS,
        /// A norm over each head of q and k: `attn_q_norm`, `attn_k_norm`.
        HEAD_NORMS,
        /// q, k and v are one tensor, `attn_qkv`.
        FUSED_QKV,
        /// Gate and up are one tensor, `ffn_up`, in that order.
        FUSED_GATE_UP,
        /// The feed-forward block has no gate.
        NO_GATE,
        /// Layers 3, 7, 11 .. do not turn.
        NO_ROPE_EVERY_FOURTH,
        /// What goes into a matrix is rounded to 8 bits per token, as in training.
        ROUNDED_INPUTS
    }

    private final String ggufName;
    private final RopePairing ropePairing;
    private final Nonlinearity nonlinearity;

    @SuppressWarnings("ImmutableEnumChecker") // Set.of is
    private final Set<Trait> traits;

    Architecture(String ggufName, RopePairing ropePairing, Nonlinearity nonlinearity, Trait... traits) {
        this.ggufName = ggufName;
        this.ropePairing = ropePairing;
        this.nonlinearity = nonlinearity;
        this.traits = Set.of(traits);
    }

    /// The family that GGUF calls `ggufName`.
    public static Optional<Architecture> of(String ggufName) {
        return Arrays.stream(values()).filter(a -> a.ggufName.equals(ggufName)).findFirst();
    }

    static String names() {
        return Arrays.stream(values()).map(Architecture::ggufName).collect(Collectors.joining(", "));
    }

    public String ggufName() {
        return ggufName;
    }

    public RopePairing ropePairing() {
        return ropePairing;
    }

    /// The feed-forward block's, where the file names no other.
    public Nonlinearity nonlinearity() {
        return nonlinearity;
    }

    public boolean has(Trait trait) {
        return traits.contains(trait);
    }
}
