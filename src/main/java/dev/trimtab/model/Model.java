package dev.trimtab.model;

import dev.trimtab.kernel.Activations;
import dev.trimtab.kernel.Kernels;
import dev.trimtab.kernel.KvEncoding;
import dev.trimtab.kernel.KvLayout;
import dev.trimtab.kernel.RopeTable;
import dev.trimtab.kernel.TokenBatch;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/// A decoder-only transformer ready to run: weights, and scratch for one batch. The forward pass is wiring:
/// each line is one operator over the whole batch.
///
/// Single-owner. [#close()] frees the weights and must come after the last [#forward(TokenBatch)].
public final class Model implements ForwardPass, AutoCloseable {
    /// Bounds of one batch, which the scratch is sized by.
    public record Capacity(int tokens, int logits) {}

    private final ModelConfig config;
    private final Weights weights;
    private final Kernels kernels;
    private final Capacity capacity;
    private final KvLayout kvLayout;
    private final RopeTable ropeTable;
    private final Kernels.AttentionRule attentionRule;

    // Scratch, [tokens, ...]: the residual stream, and what the blocks read and write.
    private final Activations hidden;
    private final Activations normed;
    private final Activations delta;
    private final Scratch[] scratch;
    // Scratch, [logits, ...]
    private final Activations last;
    private final Activations lastNormed;
    private final Activations logits;

    /// Scratch whose sizes depend on the layer's.
    private record Scratch(
            Activations query,
            Activations key,
            Activations value,
            Activations attended,
            Activations gate,
            Activations up,
            Activations gated) {}

    Model(ModelConfig config, Weights weights, Kernels kernels, KvEncoding kvEncoding, Capacity capacity) {
        this.config = config;
        this.weights = weights;
        this.kernels = kernels;
        this.capacity = capacity;
        this.kvLayout = new KvLayout(kvEncoding, config.headDim(), config.keyValueHeads());
        this.ropeTable = new RopeTable(config.rotaryDim(), config.ropeTheta(), weights.ropeFactors());
        this.attentionRule = Kernels.AttentionRule.causal((float) (1 / Math.sqrt(config.headDim())));
        this.hidden = new Activations(capacity.tokens(), config.hiddenSize());
        this.normed = new Activations(capacity.tokens(), config.hiddenSize());
        this.delta = new Activations(capacity.tokens(), config.hiddenSize());
        this.scratch = scratchByLayer(config, capacity.tokens());
        this.last = new Activations(capacity.logits(), config.hiddenSize());
        this.lastNormed = new Activations(capacity.logits(), config.hiddenSize());
        this.logits = new Activations(capacity.logits(), config.vocabSize());
    }

    /// Layers of equal sizes share one scratch; they run one after the other.
    private static Scratch[] scratchByLayer(ModelConfig config, int tokens) {
        Map<ModelConfig.Layer, Scratch> bySizes = new HashMap<>();
        return config.layers().stream()
                .map(layer -> bySizes.computeIfAbsent(layer, sizes -> scratchFor(sizes, config.headDim(), tokens)))
                .toArray(Scratch[]::new);
    }

    private static Scratch scratchFor(ModelConfig.Layer sizes, int headDim, int tokens) {
        int queryColumns = sizes.numAttentionHeads() * headDim;
        int keyColumns = sizes.numKeyValueHeads() * headDim;
        return new Scratch(
                new Activations(tokens, queryColumns),
                new Activations(tokens, keyColumns),
                new Activations(tokens, keyColumns),
                new Activations(tokens, queryColumns),
                new Activations(tokens, sizes.intermediateSize()),
                new Activations(tokens, sizes.intermediateSize()),
                new Activations(tokens, sizes.intermediateSize()));
    }

    /// Bytes of scratch that a model of `config` takes for batches of `capacity`.
    public static long scratchBytes(ModelConfig config, Capacity capacity) {
        long perToken = 3L * config.hiddenSize();
        for (ModelConfig.Layer layer : Set.copyOf(config.layers())) {
            perToken += 2L * (layer.numAttentionHeads() + layer.numKeyValueHeads()) * config.headDim()
                    + 3L * layer.intermediateSize();
        }
        long perLogits = 2L * config.hiddenSize() + config.vocabSize();
        return Float.BYTES * (perToken * capacity.tokens() + perLogits * capacity.logits());
    }

    public ModelConfig config() {
        return config;
    }

    /// Bytes of packed weights.
    public long weightBytes() {
        return weights.sizeBytes();
    }

    /// Multiply-adds of one prefill token in all layers' matrices, the head not counted.
    public long multiplyAddsPerToken() {
        return weights.layers().stream().mapToLong(Layer::multiplyAdds).sum();
    }

    @Override
    public int vocabSize() {
        return config.vocabSize();
    }

    @Override
    public int contextLength() {
        return config.maxPositionEmbeddings();
    }

    @Override
    public KvLayout kvLayout() {
        return kvLayout;
    }

    @Override
    public int tokenCapacity() {
        return capacity.tokens();
    }

    @Override
    public int logitCapacity() {
        return capacity.logits();
    }

    @Override
    public Activations forward(TokenBatch batch) {
        embed(batch);
        for (int i = 0; i < scratch.length; i++) {
            Layer layer = weights.layers().get(i);
            kernels.rmsNorm(hidden, layer.inputNorm(), config.rmsNormEps(), normed);
            attend(layer, i, batch);
            kernels.add(hidden, delta);
            kernels.rmsNorm(hidden, layer.postAttentionNorm(), config.rmsNormEps(), normed);
            feedForward(layer, i);
            kernels.add(hidden, delta);
        }
        return head(batch);
    }

    private void embed(TokenBatch batch) {
        hidden.reset(batch.tokenCount());
        for (int t = 0; t < batch.tokenCount(); t++) {
            weights.embedTokens().row(batch.id(t), hidden.values(), t * hidden.stride());
        }
    }

    /// `delta = oProj attention(rope(qProj x), rope(kProj x), vProj x)` for `x = normed`.
    private void attend(Layer layer, int index, TokenBatch batch) {
        Scratch s = scratch[index];
        layer.qProj().apply(normed, s.query);
        layer.kProj().apply(normed, s.key);
        layer.vProj().apply(normed, s.value);
        kernels.rope(s.query, config.headDim(), ropeTable, config.ropePairing(), batch);
        kernels.rope(s.key, config.headDim(), ropeTable, config.ropePairing(), batch);
        kernels.storeKv(s.key, s.value, kvLayout, index, batch);
        kernels.attention(s.query, kvLayout, index, attentionRule, batch, s.attended);
        layer.oProj().apply(s.attended, delta);
    }

    /// `delta = downProj (silu(gateProj x) * upProj x)` for `x = normed` (GLU Variants, Shazeer 2020).
    private void feedForward(Layer layer, int index) {
        Scratch s = scratch[index];
        layer.gateProj().apply(normed, s.gate);
        layer.upProj().apply(normed, s.up);
        kernels.gate(Kernels.Nonlinearity.SILU, s.gate, s.up, s.gated);
        layer.downProj().apply(s.gated, delta);
    }

    /// Logits of the tokens that asked for them; the others end here.
    private Activations head(TokenBatch batch) {
        last.reset(batch.logitCount());
        for (int row = 0; row < batch.logitCount(); row++) {
            System.arraycopy(
                    hidden.values(),
                    batch.logitToken(row) * hidden.stride(),
                    last.values(),
                    row * last.stride(),
                    config.hiddenSize());
        }
        kernels.rmsNorm(last, weights.outputNorm(), config.rmsNormEps(), lastNormed);
        weights.lmHead().apply(lastNormed, logits);
        return logits;
    }

    @Override
    public void close() {
        weights.close();
    }
}
