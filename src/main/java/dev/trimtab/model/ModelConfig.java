package dev.trimtab.model;

import dev.trimtab.checkpoint.Metadata;
import dev.trimtab.kernel.Kernels.AttentionRule;
import dev.trimtab.kernel.Kernels.Nonlinearity;
import dev.trimtab.kernel.RopePairing;
import java.util.List;

/// The hyperparameters of a checkpoint, checked. Sizes that structured pruning may change are per layer.
///
/// @param headDim elements of one attention head
/// @param rotation how heads turn; `localRotation` how those of windowed layers do, where that differs
/// @param attentionScale multiplies `q . k`
/// @param attentionSoftCap bends attention scores, `logitSoftCap` logits; 0 for none
/// @param normEps what norms add to a variance
public record ModelConfig(
        Architecture architecture,
        int vocabSize,
        int hiddenSize,
        List<Layer> layers,
        int headDim,
        Rotation rotation,
        Rotation localRotation,
        RopePairing ropePairing,
        float attentionScale,
        float attentionSoftCap,
        float logitSoftCap,
        Multipliers multipliers,
        Experts experts,
        Nonlinearity nonlinearity,
        int maxPositionEmbeddings,
        float normEps) {
    /// One layer's sizes and what it sees. No attention heads: no attention; heads but no KV heads: attention
    /// replaced by one matrix; no intermediate size: no feed-forward.
    ///
    /// @param window positions that attention sees, [AttentionRule#UNBOUNDED] for all
    public record Layer(
            int numAttentionHeads, int numKeyValueHeads, int intermediateSize, int window, Turning turning) {
        boolean attends() {
            return numKeyValueHeads > 0;
        }
    }

    /// Which rotation a layer's heads turn by.
    public enum Turning {
        NONE,
        GLOBAL,
        LOCAL
    }

    /// Factors of the embedding, of what each block adds, and of the logits.
    public record Multipliers(float embedding, float residual, float logits) {}

    /// A layer's experts, none where `count` is 0, and how many of them a token uses.
    public record Experts(int count, int used) {}

    public ModelConfig {
        layers = List.copyOf(layers);
    }

    public int numHiddenLayers() {
        return layers.size();
    }

    /// Reads `general.architecture` and its `{arch}.*` keys; `vocabSize` is the number of rows of the
    /// embedding.
    ///
    /// @throws Unsupported for an architecture that [Architecture] does not list
    /// @throws BadCheckpoint when a size is missing, out of range or contradicts another
    public static ModelConfig of(Metadata metadata, int vocabSize) {
        return new ConfigReader(metadata).read(vocabSize);
    }

    /// KV heads of each layer: what a KV layout is made from.
    public List<Integer> keyValueHeads() {
        return layers.stream().map(Layer::numKeyValueHeads).toList();
    }

    /// How the scores of `layer` become weights.
    AttentionRule attentionRule(Layer layer) {
        return new AttentionRule(attentionScale, attentionSoftCap, layer.window());
    }
}
