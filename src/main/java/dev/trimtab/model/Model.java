package dev.trimtab.model;

import dev.trimtab.kernel.Activations;
import dev.trimtab.kernel.EmbeddingTable;
import dev.trimtab.kernel.Kernels;
import dev.trimtab.kernel.KvLayout;
import dev.trimtab.kernel.TokenBatch;
import dev.trimtab.kernel.adapter.AdapterPass;
import dev.trimtab.model.adapter.AdapterShelf;

/// A decoder-only transformer ready to run: weights, and scratch for one batch. The forward pass is a list of
/// blocks, which [LayerLoader] wired; each line of a block is one operator over the whole batch.
///
/// Single-owner. [#close()] lets go of the weights and must come after the last [#forward(TokenBatch)].
public final class Model implements ForwardPass, AutoCloseable {
    /// Bounds of one batch, which the scratch is sized by.
    public record Capacity(int tokens, int logits) {}

    /// What adapters do in a pass, and those that are loaded.
    record Adapters(AdapterPass pass, AdapterShelf shelf) {}

    private final ModelConfig config;
    private final Weights weights;
    private final Kernels kernels;
    private final Capacity capacity;
    private final KvLayout kvLayout;
    private final Adapters adapters;
    private final float[] position;

    // [tokens, hiddenSize]: the residual stream.
    private final Activations hidden;
    // [logits, ...]
    private final Activations last;
    private final Activations lastNormed;
    private final Activations logits;

    Model(
            ModelConfig config,
            Weights weights,
            Kernels kernels,
            KvLayout kvLayout,
            Capacity capacity,
            Adapters adapters) {
        this.config = config;
        this.adapters = adapters;
        this.weights = weights;
        this.kernels = kernels;
        this.capacity = capacity;
        this.kvLayout = kvLayout;
        this.position = new float[config.hiddenSize()];
        this.hidden = new Activations(capacity.tokens(), config.hiddenSize());
        this.last = new Activations(capacity.logits(), config.hiddenSize());
        this.lastNormed = new Activations(capacity.logits(), config.hiddenSize());
        this.logits = new Activations(capacity.logits(), config.vocabSize());
    }

    /// Bytes of scratch that a model of `config` takes for batches of `capacity`.
    public static long scratchBytes(ModelConfig config, Capacity capacity) {
        long perToken = config.hiddenSize() + Scratch.columns(config);
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

    /// Of these, the bytes that other models use too, at this moment.
    public long sharedBytes() {
        return weights.sharedBytes();
    }

    /// Multiply-adds of one prefill token in all layers' matrices, the head not counted.
    public long multiplyAddsPerToken() {
        return weights.blocks().stream().mapToLong(Block::multiplyAdds).sum();
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
        adapters.pass().begin(batch);
        embed(batch);
        for (Block block : weights.blocks()) {
            block.addTo(hidden, batch);
        }
        return head(batch);
    }

    private void embed(TokenBatch batch) {
        hidden.reset(batch.tokenCount());
        for (int t = 0; t < batch.tokenCount(); t++) {
            weights.embedTokens().row(batch.id(t), hidden.values(), t * hidden.stride());
        }
        if (config.multipliers().embedding() != 1) {
            kernels.scale(hidden, config.multipliers().embedding());
        }
        if (weights.embedPositions().isPresent()) {
            addPositions(weights.embedPositions().get(), batch);
        }
    }

    private void addPositions(EmbeddingTable table, TokenBatch batch) {
        for (int t = 0; t < batch.tokenCount(); t++) {
            table.row(batch.position(t), position, 0);
            for (int i = 0; i < position.length; i++) {
                hidden.values()[t * hidden.stride() + i] += position[i];
            }
        }
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
        weights.outputNorm().apply(kernels, last, lastNormed);
        weights.lmHead().apply(kernels, lastNormed, logits);
        if (config.multipliers().logits() != 1) {
            kernels.scale(logits, config.multipliers().logits());
        }
        if (config.logitSoftCap() > 0) {
            kernels.softCap(logits, config.logitSoftCap());
        }
        return logits;
    }

    @Override
    public AdapterShelf adapters() {
        return adapters.shelf();
    }

    @Override
    public void close() {
        adapters.shelf().close();
        weights.close();
    }
}
