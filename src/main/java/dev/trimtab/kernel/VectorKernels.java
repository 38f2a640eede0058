package dev.trimtab.kernel;

import dev.trimtab.tensor.Tensor;
import java.lang.foreign.Arena;
import java.util.Arrays;

/// The tier of the Vector API: tiles of 32 rows at any vector width. Work under [#SHARED_ELEMENTS] stays on
/// the caller.
final class VectorKernels implements Kernels {
    /// Elements of an elementwise operation worth a second thread: some microseconds of work.
    private static final int SHARED_ELEMENTS = 16_384;

    private final ComputePool pool;
    private final Unpacked[] unpacked;
    private final VectorAttention[] attention;

    VectorKernels(ComputePool pool) {
        this.pool = pool;
        this.unpacked = new Unpacked[pool.threads()];
        this.attention = new VectorAttention[pool.threads()];
        Arrays.setAll(unpacked, _ -> new Unpacked());
        Arrays.setAll(attention, _ -> new VectorAttention());
    }

    /// Whether vectors are wide enough. Where the Vector API is absent this fails to load: look for the
    /// module first.
    static boolean available() {
        return Lanes.BITS >= 128;
    }

    @Override
    public String name() {
        return "vector-" + Lanes.BITS;
    }

    @Override
    public LinearOperator linear(Tensor weight, PackedFormat format, ActivationPrecision precision, Arena arena) {
        return new VectorLinear(PackedMatrix.pack(weight, format, pool, arena), precision, pool, unpacked);
    }

    @Override
    public void rmsNorm(Activations in, float[] weight, float eps, Activations out) {
        out.reset(in.tokens());
        pool.run(in.tokens(), grain(in), (from, to) -> {
            for (int token = from; token < to; token++) {
                VectorElementwise.rmsNorm(
                        in.values(), token * in.stride(), weight, eps, out.values(), token * out.stride());
            }
        });
    }

    @Override
    public void add(Activations x, Activations delta) {
        x.reset(x.tokens());
        int stride = x.stride();
        pool.run(
                x.tokens(),
                grain(x),
                (from, to) -> VectorElementwise.add(x.values(), delta.values(), from * stride, to * stride));
    }

    @Override
    public void addBias(Activations x, float[] bias) {
        x.reset(x.tokens());
        pool.run(x.tokens(), grain(x), (from, to) -> {
            for (int token = from; token < to; token++) {
                VectorElementwise.addBias(x.values(), token * x.stride(), bias);
            }
        });
    }

    @Override
    public void swiglu(Activations gate, Activations up, Activations out) {
        out.reset(gate.tokens());
        int stride = gate.stride();
        pool.run(
                gate.tokens(),
                grain(gate),
                (from, to) ->
                        VectorElementwise.swiglu(gate.values(), up.values(), out.values(), from * stride, to * stride));
    }

    @Override
    public void rope(Activations x, int headDim, RopeTable table, RopePairing pairing, TokenBatch batch) {
        x.reset(x.tokens());
        pool.run(
                x.tokens(),
                grain(x),
                (from, to) -> ScalarKernels.ropeTokens(x, headDim, table, pairing, batch, from, to));
    }

    @Override
    public void storeKv(Activations keys, Activations values, KvLayout layout, int layer, TokenBatch batch) {
        pool.run(
                batch.tokenCount(),
                grain(keys),
                (from, to) -> ScalarKernels.storeTokens(keys, values, layout, layer, batch, from, to));
    }

    @Override
    public void attention(
            Activations query, KvLayout layout, int layer, float scale, TokenBatch batch, Activations out) {
        out.reset(query.tokens());
        int kvHeads = layout.kvHeads(layer);
        int group = query.columns() / layout.headDim() / kvHeads;
        var call = new VectorAttention.Call(query, layout, layer, scale, batch, out, group);
        int together = VectorAttention.tokensTogether(group);
        int units = Math.ceilDiv(query.tokens(), together) * kvHeads;
        pool.run(units, 1, (from, to) -> {
            for (int unit = from; unit < to; unit++) {
                int first = unit / kvHeads * together;
                attendTokens(call, unit % kvHeads, first, Math.min(first + together, query.tokens()));
            }
        });
    }

    /// Splits `[from, to)` where a sequence ends.
    private void attendTokens(VectorAttention.Call call, int kvHead, int from, int to) {
        TokenBatch batch = call.batch();
        VectorAttention room = attention[ComputePool.worker()];
        int first = from;
        for (int token = from + 1; token <= to; token++) {
            if (token == to || batch.sequence(token) != batch.sequence(first)) {
                room.attend(call, kvHead, first, token);
                first = token;
            }
        }
    }

    private static int grain(Activations x) {
        return Math.max(1, SHARED_ELEMENTS / x.stride());
    }
}
