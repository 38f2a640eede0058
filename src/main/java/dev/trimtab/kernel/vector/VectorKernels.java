package dev.trimtab.kernel.vector;

import dev.trimtab.kernel.ActivationPrecision;
import dev.trimtab.kernel.Activations;
import dev.trimtab.kernel.ComputePool;
import dev.trimtab.kernel.JoinedLinear;
import dev.trimtab.kernel.KernelProbe;
import dev.trimtab.kernel.Kernels;
import dev.trimtab.kernel.KvLayout;
import dev.trimtab.kernel.LinearOperator;
import dev.trimtab.kernel.PackedFormat;
import dev.trimtab.kernel.PackedMatrix;
import dev.trimtab.kernel.PanelProduct;
import dev.trimtab.kernel.RopePairing;
import dev.trimtab.kernel.RopeTable;
import dev.trimtab.kernel.ScalarKernels;
import dev.trimtab.kernel.ScalarLinear;
import dev.trimtab.kernel.TokenBatch;
import dev.trimtab.kernel.codebook.CodebookLinear;
import dev.trimtab.kernel.sparse.ScalarSparse;
import dev.trimtab.kernel.sparse.SparsePanels;
import dev.trimtab.tensor.Encoding;
import dev.trimtab.tensor.Tensor;
import dev.trimtab.tensor.TensorForm;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BooleanSupplier;

/// The tier of the Vector API: tiles of 32 rows at any vector width. Work under [#SHARED_ELEMENTS] stays on
/// the caller.
public final class VectorKernels implements Kernels {
    /// Elements of an elementwise operation worth a second thread: some microseconds of work.
    private static final int SHARED_ELEMENTS = 16_384;

    private static final Logger LOG = System.getLogger(VectorKernels.class.getName());

    private final ComputePool pool;
    private final KernelProbe probe;
    private final Set<Kind> judged = ConcurrentHashMap.newKeySet();
    private final Set<Kind> slow = ConcurrentHashMap.newKeySet();
    private final VectorLinear.Rooms rooms;
    private final SharedAttention attention;

    public VectorKernels(ComputePool pool) {
        this(pool, new KernelProbe(pool));
    }

    /// With another judge of its speed.
    VectorKernels(ComputePool pool, KernelProbe probe) {
        this.pool = pool;
        this.probe = probe;
        this.rooms = VectorLinear.Rooms.of(pool);
        this.attention = new SharedAttention(pool);
    }

    /// Whether vectors are wide enough. Where the Vector API is absent this fails to load: look for the
    /// module first.
    public static boolean available() {
        return Lanes.BITS >= 128;
    }

    @Override
    public String name() {
        return "vector-" + Lanes.BITS;
    }

    @Override
    public void prepare(PackedFormat format, ActivationPrecision precision) {
        judge(new Kind.Packed(format, precision), () -> probe.keepsUp(this, format, precision));
    }

    /// Whether `kind` runs at speed here, which is found out once.
    private synchronized boolean judge(Kind kind, BooleanSupplier keepsUp) {
        if (judged.add(kind) && !keepsUp.getAsBoolean()) {
            slow.add(kind);
            LOG.log(
                    Level.WARNING,
                    "the {0} kernels of {1} run too slowly here; scalar loops serve instead",
                    name(),
                    kind);
        }
        return !slow.contains(kind);
    }

    @Override
    public LinearOperator linear(Tensor weight, PackedFormat format, ActivationPrecision precision, Arena arena) {
        if (slow.contains(new Kind.Packed(format, precision))) {
            return new ScalarLinear(PackedMatrix.pack(weight, format, pool, arena), precision, pool);
        }
        return new VectorLinear(PackedMatrix.pack(weight, format, pool, arena), precision, pool, rooms);
    }

    @Override
    public LinearOperator codebook(TensorForm.Codebook form, Arena arena) {
        PanelProduct best = PanelProduct.best();
        boolean keepsUp = judge(new Kind.Codebook(), () -> probe.keepsUp(best));
        return new CodebookLinear(form, keepsUp ? best : PanelProduct::plain, pool, arena);
    }

    @Override
    public LinearOperator vectorSparse(TensorForm.VectorSparse weight, Arena arena) {
        Encoding lines = weight.lines().encoding();
        SparsePanels packed = SparsePanels.pack(weight, arena);
        return judge(new Kind.Sparse(lines), () -> probe.keepsUp(lines, this::sparse))
                ? new VectorSparse(packed, pool)
                : new ScalarSparse(packed, pool);
    }

    private LinearOperator sparse(TensorForm.VectorSparse weight, Arena arena) {
        return new VectorSparse(SparsePanels.pack(weight, arena), pool);
    }

    @Override
    public JoinedLinear join(List<LinearOperator> parts) {
        List<VectorLinear> packed = new ArrayList<>();
        for (LinearOperator part : parts) {
            if (part instanceof VectorLinear linear
                    && linear.columns() == parts.getFirst().columns()) {
                packed.add(linear);
            }
        }
        return packed.size() == parts.size() ? new VectorJoin(packed, pool) : JoinedLinear.inTurn(parts);
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
    public void rmsNormHeads(Activations x, float[] weight, float eps) {
        x.reset(x.tokens());
        pool.run(x.tokens(), grain(x), (from, to) -> {
            for (int token = from; token < to; token++) {
                int start = token * x.stride();
                for (int head = start; head < start + x.columns(); head += weight.length) {
                    VectorElementwise.rmsNorm(x.values(), head, weight, eps, x.values(), head);
                }
            }
        });
    }

    @Override
    public void layerNorm(Activations in, float[] weight, float[] bias, float eps, Activations out) {
        out.reset(in.tokens());
        pool.run(in.tokens(), grain(in), (from, to) -> {
            for (int token = from; token < to; token++) {
                VectorElementwise.layerNorm(
                        in.values(), token * in.stride(), weight, bias, eps, out.values(), token * out.stride());
            }
        });
    }

    @Override
    public void add(Activations x, Activations delta) {
        x.reset(x.tokens());
        forStretches(x, (from, to) -> VectorElementwise.add(x.values(), delta.values(), from, to));
    }

    @Override
    public void addRows(Activations x, int[] rows, float[] weights, Activations delta) {
        x.reset(x.tokens());
        int stride = x.stride();
        pool.run(delta.tokens(), grain(delta), (from, to) -> {
            for (int row = from; row < to; row++) {
                VectorElementwise.addScaled(
                        x.values(), rows[row] * stride, weights[row], delta.values(), row * stride, stride);
            }
        });
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
    public void scale(Activations x, float factor) {
        x.reset(x.tokens());
        forStretches(x, (from, to) -> VectorElementwise.scale(x.values(), factor, from, to));
    }

    @Override
    public void softCap(Activations x, float cap) {
        x.reset(x.tokens());
        forStretches(x, (from, to) -> VectorElementwise.softCap(x.values(), from, to, cap));
    }

    @Override
    public void roundToInt8(Activations x) {
        x.reset(x.tokens());
        pool.run(x.tokens(), grain(x), (from, to) -> {
            for (int token = from; token < to; token++) {
                VectorElementwise.roundToInt8(x.values(), token * x.stride(), (token + 1) * x.stride());
            }
        });
    }

    @Override
    public void activate(Nonlinearity f, Activations in, Activations out) {
        out.reset(in.tokens());
        forStretches(in, (from, to) -> VectorElementwise.activate(f, in.values(), out.values(), from, to));
    }

    @Override
    public void gate(Nonlinearity f, Activations gate, Activations up, Activations out) {
        out.reset(gate.tokens());
        forStretches(gate, (from, to) -> {
            VectorElementwise.activate(f, gate.values(), out.values(), from, to);
            VectorElementwise.multiply(out.values(), up.values(), from, to);
        });
    }

    /// Elements `[from, to)` of the tokens' values, whole vectors, on the pool's threads.
    private void forStretches(Activations x, ComputePool.Body task) {
        int stride = x.stride();
        pool.run(x.tokens(), grain(x), (from, to) -> task.run(from * stride, to * stride));
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
            Activations query, KvLayout layout, int layer, AttentionRule rule, TokenBatch batch, Activations out) {
        out.reset(query.tokens());
        int group = query.columns() / layout.headDim() / layout.kvHeads(layer);
        attention.attend(new VectorAttention.Call(query, layout, layer, rule, batch, out, group));
    }

    /// Kernels that are judged together.
    private sealed interface Kind {
        record Packed(PackedFormat format, ActivationPrecision precision) implements Kind {
            @Override
            public String toString() {
                return format + " with " + precision + " activations";
            }
        }

        record Sparse(Encoding lines) implements Kind {
            @Override
            public String toString() {
                return "sparse vectors in " + lines;
            }
        }

        record Codebook() implements Kind {
            @Override
            public String toString() {
                return "codebooks";
            }
        }
    }

    private static int grain(Activations x) {
        return Math.max(1, SHARED_ELEMENTS / x.stride());
    }
}
