package dev.trimtab.kernel.vector;

import static dev.trimtab.kernel.vector.Lanes.FLOATS;
import static dev.trimtab.kernel.vector.Lanes.FLOAT_LANES;
import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LT;

import dev.trimtab.kernel.KvLayout;
import dev.trimtab.kernel.PackedMatrix;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

/// What attention has summed so far for some queries, a row each: over the scores s_j seen
///
///     m, a reference near their maximum;  l = sum_j exp(s_j - m);  o = sum_j exp(s_j - m) v_j
///
/// (Milakov and Gimelshein 2018, online softmax). m follows the maximum only when that is more than
/// [#SLACK] above it: what a moving maximum costs is not the rescaling but to find it, and exp(s - m) is as
/// exact for m anywhere near (FlashAttention-4 does likewise). l is kept for each of a block's 32 lanes and
/// summed lane by lane at the end.
final class AttentionSums {
    /// Powers of e that a weight may exceed 1 by: 2981, far from f32's limits.
    private static final float SLACK = 8;

    private static final int TOKENS = KvLayout.BLOCK_TOKENS;

    private float[] outputs = {};
    private float[] lanes = {};
    private float[] maxima = {};
    private int stride;

    /// Makes room for `rows` queries; what rows hold is undefined until [#clear].
    void reserve(int rows, int headDim) {
        stride = Math.ceilDiv(headDim, PackedMatrix.TILE) * PackedMatrix.TILE;
        if (outputs.length < rows * stride || maxima.length < rows) {
            outputs = new float[rows * stride];
            lanes = new float[rows * TOKENS];
            maxima = new float[rows];
        }
    }

    /// Nothing seen, for `rows` rows from `row` on.
    void clear(int row, int rows) {
        Arrays.fill(outputs, row * stride, (row + rows) * stride, 0);
        Arrays.fill(lanes, row * TOKENS, (row + rows) * TOKENS, 0);
        Arrays.fill(maxima, row, row + rows, Float.NEGATIVE_INFINITY);
    }

    /// Adds a block for the four queries from `row` on, whose weights [#weigh] has made.
    void addValues(KvBlock block, float[] weights, int tokens, int row) {
        block.addValues(weights, tokens, outputs, row * stride, stride);
    }

    /// Takes a block's scores `scores[at .. at + 32)` of a row, of which those in `[visible, limit)` count,
    /// and turns them into weights.
    void weigh(float[] scores, int at, int visible, int limit, int row) {
        if (limit <= visible) {
            Arrays.fill(scores, at, at + TOKENS, 0);
            return;
        }
        boolean isWhole = visible == 0 && limit == TOKENS;
        if (!isWhole) {
            fillOutside(scores, at, visible, limit, Float.NEGATIVE_INFINITY);
        }
        if (exceeds(scores, at, maxima[row] + SLACK)) {
            raise(row, largest(scores, at));
        }
        weigh(scores, at, -maxima[row], lanes, row * TOKENS);
        if (!isWhole) {
            fillOutside(scores, at, visible, limit, 0);
        }
    }

    private static void fillOutside(float[] scores, int at, int visible, int limit, float value) {
        Arrays.fill(scores, at, at + visible, value);
        Arrays.fill(scores, at + limit, at + TOKENS, value);
    }

    private static float largest(float[] scores, int at) {
        float largest = Float.NEGATIVE_INFINITY;
        for (int i = at; i < at + TOKENS; i++) {
            largest = Math.max(largest, scores[i]);
        }
        return largest;
    }

    private void raise(int row, float max) {
        float factor = (float) Math.exp(maxima[row] - max);
        maxima[row] = max;
        VectorElementwise.scale(lanes, factor, row * TOKENS, (row + 1) * TOKENS);
        VectorElementwise.scale(outputs, factor, row * stride, (row + 1) * stride);
    }

    /// Adds what row `fromRow` of `from` has seen to row `row`, which has seen earlier positions.
    void merge(AttentionSums from, int fromRow, int row) {
        float max = from.maxima[fromRow];
        if (max == Float.NEGATIVE_INFINITY) {
            return;
        }
        if (max > maxima[row]) {
            raise(row, max);
        }
        float factor = (float) Math.exp(max - maxima[row]);
        VectorElementwise.addScaled(lanes, row * TOKENS, factor, from.lanes, fromRow * TOKENS, TOKENS);
        VectorElementwise.addScaled(outputs, row * stride, factor, from.outputs, fromRow * stride, stride);
    }

    /// Writes `o / l` of a row to `out[at .. at + headDim)`.
    void store(int row, float[] out, int at, int headDim) {
        float sum = 0;
        for (int i = row * TOKENS; i < (row + 1) * TOKENS; i++) {
            sum += lanes[i];
        }
        for (int d = 0; d < headDim; d++) {
            out[at + d] = outputs[row * stride + d] / sum;
        }
    }

    /// Whether one of 32 scores is greater than `bound`.
    private static boolean exceeds(float[] scores, int at, float bound) {
        var any = FloatVector.fromArray(FLOATS, scores, at).compare(GT, bound);
        for (int i = FLOAT_LANES; i < TOKENS; i += FLOAT_LANES) {
            any = any.or(FloatVector.fromArray(FLOATS, scores, at + i).compare(GT, bound));
        }
        return any.anyTrue();
    }

    /// `scores = exp(scores + shift)` for 32 scores, and `lanes += scores`. As [VectorElementwise#exp], but
    /// no score is near exp's upper end.
    private static void weigh(float[] scores, int at, float shift, float[] lanes, int to) {
        var high = FloatVector.broadcast(FLOATS, -VectorElementwise.LN2_HIGH);
        var low = FloatVector.broadcast(FLOATS, -VectorElementwise.LN2_LOW);
        var c5 = FloatVector.broadcast(FLOATS, 1.3981999e-3f);
        var c4 = FloatVector.broadcast(FLOATS, 8.333452e-3f);
        var c3 = FloatVector.broadcast(FLOATS, 4.1665796e-2f);
        var c2 = FloatVector.broadcast(FLOATS, 0.16666666f);
        var c1 = FloatVector.broadcast(FLOATS, 0.5f);
        for (int i = 0; i < TOKENS; i += FLOAT_LANES) {
            var s = FloatVector.fromArray(FLOATS, scores, at + i).add(shift);
            var x = s.blend(VectorElementwise.EXP_MIN, s.compare(LT, VectorElementwise.EXP_MIN));
            var shifted = x.mul(VectorElementwise.LOG2_E).add(VectorElementwise.ROUNDER);
            var n = shifted.sub(VectorElementwise.ROUNDER);
            var r = n.fma(low, n.fma(high, x));
            var p = FloatVector.broadcast(FLOATS, 1.9875691e-4f).fma(r, c5);
            p = p.fma(r, c4).fma(r, c3).fma(r, c2).fma(r, c1);
            var power = shifted.reinterpretAsInts().lanewise(LSHL, 23).add(VectorElementwise.ONE_BITS);
            var weight = p.fma(r.mul(r), r.add(1)).mul(power.reinterpretAsFloats());
            weight.intoArray(scores, at + i);
            FloatVector.fromArray(FLOATS, lanes, to + i).add(weight).intoArray(lanes, to + i);
        }
    }
}
