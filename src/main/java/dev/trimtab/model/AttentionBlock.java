package dev.trimtab.model;

import dev.trimtab.kernel.Activations;
import dev.trimtab.kernel.Kernels;
import dev.trimtab.kernel.KvLayout;
import dev.trimtab.kernel.LinearOperator;
import dev.trimtab.kernel.RopePairing;
import dev.trimtab.kernel.RopeTable;
import dev.trimtab.kernel.TokenBatch;
import java.util.List;
import java.util.Optional;

/// Causal self-attention: `oProj subNorm(attention(turn(qNorm(qProj x)), turn(kNorm(kProj x)), vProj x))`.
final class AttentionBlock implements Block {
    /// The weights, `x` being `[tokens, hiddenSize]`:
    ///
    /// | field | shape |
    /// |---|---|
    /// | `qProj` | `[numAttentionHeads * headDim, hiddenSize]` |
    /// | `kProj`, `vProj` | `[numKeyValueHeads * headDim, hiddenSize]` |
    /// | `oProj` | `[hiddenSize, numAttentionHeads * headDim]` |
    /// | `headNorms` | q's and k's, each `[headDim]` |
    /// | `subNorm` | `[numAttentionHeads * headDim]` |
    record Parts(
            Affine qProj,
            Affine kProj,
            Affine vProj,
            Affine oProj,
            Optional<HeadNorms> headNorms,
            Optional<Norm> subNorm) {}

    /// The weights of a norm over each head of q and of k.
    @SuppressWarnings("ArrayRecordComponent")
    record HeadNorms(float[] query, float[] key, float eps) {}

    /// How positions enter and which of them a token sees: what differs from layer to layer beside weights.
    ///
    /// @param layer the layer's place in `layout`
    /// @param ropeTable empty where nothing turns
    record Positions(
            int layer,
            KvLayout layout,
            Kernels.AttentionRule rule,
            Optional<RopeTable> ropeTable,
            RopePairing pairing) {}

    private final Kernels kernels;
    private final Residual residual;
    private final Parts parts;
    private final Positions positions;
    private final Activations query;
    private final Activations key;
    private final Activations value;
    private final Affine.Joined projections;
    private final List<Activations> projected;
    private final Activations attended;
    private final Activations delta;

    AttentionBlock(Kernels kernels, Residual residual, Parts parts, Positions positions, Scratch scratch) {
        this.kernels = kernels;
        this.residual = residual;
        this.parts = parts;
        this.positions = positions;
        this.query = scratch.of(Scratch.Use.QUERY, parts.qProj().weight().rows());
        this.key = scratch.of(Scratch.Use.KEY, parts.kProj().weight().rows());
        this.value = scratch.of(Scratch.Use.VALUE, parts.vProj().weight().rows());
        this.projections = new Affine.Joined(kernels, List.of(parts.qProj(), parts.kProj(), parts.vProj()));
        this.projected = List.of(query, key, value);
        this.attended = scratch.of(Scratch.Use.ATTENDED, parts.oProj().weight().columns());
        this.delta = scratch.of(Scratch.Use.DELTA, parts.oProj().weight().rows());
    }

    @Override
    public void addTo(Activations hidden, TokenBatch batch) {
        Activations x = residual.enter(hidden);
        projections.apply(x, projected);
        if (parts.headNorms().isPresent()) {
            HeadNorms norms = parts.headNorms().get();
            kernels.rmsNormHeads(query, norms.query(), norms.eps());
            kernels.rmsNormHeads(key, norms.key(), norms.eps());
        }
        if (positions.ropeTable().isPresent()) {
            turn(query, positions.ropeTable().get(), batch);
            turn(key, positions.ropeTable().get(), batch);
        }
        kernels.storeKv(key, value, positions.layout(), positions.layer(), batch);
        kernels.attention(query, positions.layout(), positions.layer(), positions.rule(), batch, attended);
        if (parts.subNorm().isPresent()) {
            parts.subNorm().get().apply(kernels, attended, attended);
        }
        residual.prepare(attended);
        parts.oProj().apply(kernels, attended, delta);
        residual.leave(delta, hidden);
    }

    private void turn(Activations x, RopeTable table, TokenBatch batch) {
        kernels.rope(x, positions.layout().headDim(), table, positions.pairing(), batch);
    }

    @Override
    public List<LinearOperator> matrices() {
        return List.of(
                parts.qProj().weight(),
                parts.kProj().weight(),
                parts.vProj().weight(),
                parts.oProj().weight());
    }
}
