package dev.trimtab.kernel;

import dev.trimtab.kernel.vector.VectorKernels;
import dev.trimtab.tensor.Tensor;
import dev.trimtab.tensor.TensorForm;
import java.lang.foreign.Arena;
import java.util.List;

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

    /// Makes packed operators of one kind ready to serve: runs their kernels until they are compiled and checks that
    /// they run at speed; a kind that does not is served by its scalar twin from then on, and a warning
    /// logged. Takes a fraction of a second the first time; without it the first steps do the compiling. Other
    /// kinds of operators are judged when the first is made.
    default void prepare(PackedFormat format, ActivationPrecision precision) {}

    /// Packs a matrix `[rows, columns]` of any encoding that can be decoded. Memory comes from `arena`; the
    /// tensor is not needed afterwards.
    LinearOperator linear(Tensor weight, PackedFormat format, ActivationPrecision precision, Arena arena);

    /// Packs weights that share values: indices and centroids, nothing decoded. Memory comes from `arena`; the form
    /// is not needed afterwards. Activations are multiplied as they are.
    LinearOperator codebook(TensorForm.Codebook form, Arena arena);

    /// Packs a matrix of which only some vectors of 32 weights are kept; it takes time and memory in proportion
    /// to them, and activations as they are. Memory comes from `arena`; the form is not needed afterwards.
    ///
    /// @throws dev.trimtab.error.Unsupported for vectors that are neither `Q8_0` nor finite `F16`
    LinearOperator vectorSparse(TensorForm.VectorSparse weight, Arena arena);

    /// Operators of this tier or any other that are always applied to the same input, as one: in one run of the
    /// compute pool where all of them are packed matrices, else in turn.
    default JoinedLinear join(List<LinearOperator> parts) {
        return JoinedLinear.inTurn(parts);
    }

    /// `out[t][i] = in[t][i] / sqrt(mean_j in[t][j]^2 + eps) * weight[i]`
    void rmsNorm(Activations in, float[] weight, float eps, Activations out);

    /// The same for each head of `x` (`[tokens, heads * weight.length]`) by itself, in place.
    void rmsNormHeads(Activations x, float[] weight, float eps);

    /// `out[t][i] = (in[t][i] - mean_t) / sqrt(variance_t + eps) * weight[i] + bias[i]`
    void layerNorm(Activations in, float[] weight, float[] bias, float eps, Activations out);

    /// `x += delta`
    void add(Activations x, Activations delta);

    /// `x[rows[j]] += weights[j] * delta[j]` for each vector j of `delta`; no row twice.
    void addRows(Activations x, int[] rows, float[] weights, Activations delta);

    /// Adds `bias` to each vector.
    void addBias(Activations x, float[] bias);

    /// `x *= factor`
    void scale(Activations x, float factor);

    /// `x = cap * tanh(x / cap)`, which stays within `-cap..cap` (Gemma 2, Gemma Team 2024, section 2).
    void softCap(Activations x, float cap);

    /// Rounds each vector to 255 steps of its largest magnitude a, as BitNet b1.58 does before each of its
    /// matrices (Ma et al. 2024): `x = round(x 127 / a) a / 127`, ties to even; a is [#SMALLEST_EXTREME] at
    /// least.
    void roundToInt8(Activations x);

    /// `out = f(in)`; two batches.
    void activate(Nonlinearity f, Activations in, Activations out);

    /// `out = f(gate) * up`; `out` is another batch than `gate`.
    void gate(Nonlinearity f, Activations gate, Activations up, Activations out);

    /// Turns each head of `x` (`[tokens, heads * headDim]`) by the token's position in `batch`, in place.
    void rope(Activations x, int headDim, RopeTable table, RopePairing pairing, TokenBatch batch);

    /// Writes the tokens' keys and values (each `[tokens, kvHeads * headDim]`) to their places in the KV
    /// blocks.
    void storeKv(Activations keys, Activations values, KvLayout layout, int layer, TokenBatch batch);

    /// Causal grouped-query attention over the paged KV cache: for token t at position p and query head h,
    /// `out[t][h] = sum_j softmax_j(score(q[t][h] . k[j][h / group])) v[j][h / group]` over the positions
    /// `p - window < j <= p`, score and window as `rule` says.
    ///
    /// Keys and values of the batch's own tokens must have been stored; `query` and `out` are
    /// `[tokens, heads * headDim]`.
    void attention(
            Activations query, KvLayout layout, int layer, AttentionRule rule, TokenBatch batch, Activations out);

    /// The largest magnitude that [#roundToInt8] takes a vector to have at least.
    float SMALLEST_EXTREME = 1e-5f;

    /// What a feed-forward block bends its inner elements with.
    enum Nonlinearity {
        /// `z / (1 + exp(-z))`
        SILU,
        /// `z Phi(z)`, Phi the normal distribution (Hendrycks and Gimpel 2016).
        GELU,
        /// GELU with Phi taken as `(1 + tanh(sqrt(2 / pi) (z + 0.044715 z^3))) / 2`, as GPT-2 and Gemma were
        /// trained.
        GELU_TANH
    }

    /// How one layer's scores become weights.
    ///
    /// @param scale multiplies `q . k`
    /// @param softCap c bends the scaled score s to `c tanh(s / c)`; 0 leaves it
    /// @param window positions a query sees, its own included
    record AttentionRule(float scale, float softCap, int window) {
        /// A window wider than any sequence.
        public static final int UNBOUNDED = Integer.MAX_VALUE;

        /// Every position up to the query's own.
        public static AttentionRule causal(float scale) {
            return new AttentionRule(scale, 0, UNBOUNDED);
        }

        public AttentionRule {
            assert softCap >= 0 && window > 0 : softCap + ", " + window;
        }

        /// The first position that a query at `position` sees.
        public int firstVisible(int position) {
            return Math.max(0, position - window + 1);
        }
    }
}
