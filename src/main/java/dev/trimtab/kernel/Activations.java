package dev.trimtab.kernel;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// A batch of vectors, `[tokens, columns]`, row-major in one float array with rows padded to [#stride()];
/// the padding is always zero, so kernels may read whole blocks. Allocated once for the largest batch and
/// reused each step.
///
/// What kernels derive from the values (int8 codes, say) is kept here and shared by all operators that
/// read the same input, such as q/k/v; [#reset(int)] forgets it. Single-owner; the compute pool's workers
/// see it inside a kernel call only.
public final class Activations {
    /// Rows are padded to whole blocks of this many columns, the packed layouts' block.
    public static final int BLOCK = 32;

    /// Vectors behind the last one, whose numbers mean nothing: a kernel that takes four tokens at a time
    /// may read and write three of them.
    public static final int SPARE = 3;

    /// Blocks encoded at a time: some microseconds of work.
    private static final int ENCODE_GRAIN = 256;

    private final float[] values;
    private final int capacity;
    private final int columns;
    private final int stride;
    private @Nullable ActivationCodes codes;
    private int tokens;
    private boolean isEncoded;

    /// Room for `capacity` vectors of `columns` elements.
    public Activations(int capacity, int columns) {
        this.capacity = capacity;
        this.columns = columns;
        this.stride = Math.ceilDiv(columns, BLOCK) * BLOCK;
        this.values = new float[Math.multiplyExact(capacity + SPARE, stride)];
    }

    /// Says that the first `tokens` vectors are about to be rewritten.
    public void reset(int tokens) {
        assert tokens >= 0 && tokens <= capacity : tokens;
        this.tokens = tokens;
        this.isEncoded = false;
    }

    /// The backing array; vector t is `values[t * stride() .. t * stride() + columns())`. Write only
    /// after [#reset(int)].
    public float[] values() {
        return values;
    }

    public int capacity() {
        return capacity;
    }

    public int columns() {
        return columns;
    }

    public int stride() {
        return stride;
    }

    /// How many vectors are in use.
    public int tokens() {
        return tokens;
    }

    /// Quantizes the vectors to int8, by `encoder`, unless that is done already: [#codes()].
    public void encode(ComputePool pool, ActivationCodes.Encoder encoder) {
        if (isEncoded) {
            return;
        }
        if (codes == null) {
            codes = new ActivationCodes(values.length);
        }
        ActivationCodes into = codes;
        pool.run(tokens * (stride / BLOCK), ENCODE_GRAIN, (from, to) -> encoder.encode(values, from, to, into));
        isEncoded = true;
    }

    /// After [#encode].
    public ActivationCodes codes() {
        return Objects.requireNonNull(codes);
    }
}
