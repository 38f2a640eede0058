package dev.trimtab.kernel;

import dev.trimtab.tensor.Tensor;
import java.lang.foreign.Arena;

/// One tier of kernels (scalar, vector, later native): packs weights into its own layout and computes with
/// them. Which tier serves is decided before anything is packed.
///
/// Every operation splits its own work over the compute pool and is batch invariant (see [LinearOperator]).
/// Shapes are `[tokens, columns]`; outputs are reset to the input's token count.
public interface Kernels {
    /// Plain loops: the reference of every other tier, and what serves where there is no SIMD.
    static Kernels scalar(ComputePool pool) {
        return new ScalarKernels(pool);
    }

    /// SIMD through the Vector API; needs the module `jdk.incubator.vector` and vectors of 128 bits or more.
    static Kernels vector(ComputePool pool) {
        return new VectorKernels(pool);
    }

    /// The fastest tier this process can run.
    static Kernels best(ComputePool pool) {
        boolean vectors = ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent();
        return vectors && VectorKernels.available() ? vector(pool) : scalar(pool);
    }

    /// For the log and `/metrics`: tier and vector width, such as `vector-512`.
    String name();

    /// Makes operators of one kind ready to serve: runs their kernels until they are compiled and checks that
    /// they run at speed; a kind that does not is served by its scalar twin from then on, and a warning
    /// logged. Takes a fraction of a second the first time; without it the first steps do the compiling.
    default void prepare(PackedFormat format, ActivationPrecision precision) {}

    /// Packs a matrix `[rows, columns]` of any encoding that can be decoded. Memory comes from `arena`; the
    /// tensor is not needed afterwards.
    LinearOperator linear(Tensor weight, PackedFormat format, ActivationPrecision precision, Arena arena);

    /// `out[t][i] = in[t][i] / sqrt(mean_j in[t][j]^2 + eps) * weight[i]`
    void rmsNorm(Activations in, float[] weight, float eps, Activations out);

    /// `x += delta`
    void add(Activations x, Activations delta);

    /// Adds `bias` to each vector.
    void addBias(Activations x, float[] bias);

    /// `out = silu(gate) * up`, `silu(z) = z / (1 + exp(-z))`
    void swiglu(Activations gate, Activations up, Activations out);

    /// Turns each head of `x` (`[tokens, heads * headDim]`) by the token's position in `batch`, in place.
    void rope(Activations x, int headDim, RopeTable table, RopePairing pairing, TokenBatch batch);

    /// Writes the tokens' keys and values (each `[tokens, kvHeads * headDim]`) to their places in the KV
    /// blocks.
    void storeKv(Activations keys, Activations values, KvLayout layout, int layer, TokenBatch batch);

    /// Causal grouped-query attention over the paged KV cache: for token t at position p and query head h,
    /// `out[t][h] = sum_{j<=p} softmax_j(q[t][h] . k[j][h / group] * scale) v[j][h / group]`.
    ///
    /// Keys and values of the batch's own tokens must have been stored; `query` and `out` are
    /// `[tokens, heads * headDim]`.
    void attention(Activations query, KvLayout layout, int layer, float scale, TokenBatch batch, Activations out);
}
