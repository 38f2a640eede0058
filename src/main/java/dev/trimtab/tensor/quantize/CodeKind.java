package dev.trimtab.tensor.quantize;

import dev.trimtab.error.Internal;
import dev.trimtab.tensor.Encoding;
import dev.trimtab.tensor.quantize.RangeSearch.Minimum;
import dev.trimtab.tensor.quantize.RangeSearch.Range;

/// Integer codes `0 .. 2^bits - 1` that a group of weights shares a scale for, and how the scale of a group is
/// found. A group is any run of weights; [#encoding()] holds it as blocks of 32 that repeat its scale.
///
/// @param bits 2..8
/// @param zero what the codes are counted from
public record CodeKind(int bits, Zero zero) {
    public static final int BITS_MIN = 2;
    public static final int BITS_MAX = 8;

    /// From so many bits on both ends of the symmetric codes are alike, `-(2^(bits-1) - 1)` the lowest: one of
    /// 128 codes is no loss, and the weights stay within the scale's reach on both sides.
    private static final int EVEN_BITS = 7;

    /// What a code of 0 stands for.
    public enum Zero {
        /// `w = d (q - 2^(bits-1))`
        CENTRED,
        /// `w = d q + m`
        MINIMUM
    }

    public CodeKind {
        if (bits < BITS_MIN || bits > BITS_MAX) {
            throw new Internal("codes of 2..8 bits expected, found " + bits);
        }
    }

    /// The encoding that holds such codes, without loss; codes of 7 bits lie in 8.
    public Encoding encoding() {
        return zero == Zero.MINIMUM ? withMinimum() : centred();
    }

    private Encoding centred() {
        return switch (bits) {
            case 2 -> Encoding.INT2;
            case 3 -> Encoding.INT3;
            case 4 -> Encoding.Q4_0;
            case 5 -> Encoding.Q5_0;
            case 6 -> Encoding.INT6;
            default -> Encoding.Q8_0;
        };
    }

    private Encoding withMinimum() {
        return switch (bits) {
            case 2 -> Encoding.INT2_MINIMUM;
            case 3 -> Encoding.INT3_MINIMUM;
            case 4 -> Encoding.Q4_1;
            case 5 -> Encoding.Q5_1;
            case 6 -> Encoding.INT6_MINIMUM;
            default -> Encoding.INT8_MINIMUM;
        };
    }

    /// The grid on which the farthest weights of `weights[from .. from + count)` are exact but for the
    /// rounding of the scale:
    ///
    ///     d = w_max / -2^(bits-1)            w_max the weight farthest from 0, with its sign: all codes are used
    ///     d = |w_max| / (2^(bits-1) - 1)     from 7 bits on
    ///     d = (max - min) / (2^bits - 1), m = min
    public CodeGrid extremes(float[] weights, int from, int count) {
        float least = Float.POSITIVE_INFINITY;
        float greatest = Float.NEGATIVE_INFINITY;
        for (int i = from; i < from + count; i++) {
            least = Math.min(least, weights[i]);
            greatest = Math.max(greatest, weights[i]);
        }
        if (zero == Zero.MINIMUM) {
            return CodeGrid.of(this, (greatest - least) / last(), least);
        }
        float extreme = greatest > -least ? greatest : least;
        float scale = bits < EVEN_BITS ? extreme / -centre() : Math.abs(extreme) / (centre() - 1);
        return CodeGrid.of(this, scale, 0);
    }

    /// The grid found best for `weights[from .. from + count)`, where an error in weight i matters
    /// `importance[i]` times ([ScaleSearch], [RangeSearch]); importances are finite, at least 0, and one is more.
    public CodeGrid search(float[] weights, float[] importance, int from, int count) {
        return search(new Run(weights, importance, from, count));
    }

    CodeGrid search(Run run) {
        if (zero == Zero.CENTRED) {
            return CodeGrid.of(this, ScaleSearch.best(run, codes()), 0);
        }
        Range range = RangeSearch.best(run, codes(), Minimum.ANY);
        return CodeGrid.of(this, range.scale(), range.min());
    }

    /// The code of the weight 0 in [Zero#CENTRED].
    int centre() {
        return 1 << (bits - 1);
    }

    /// The last code.
    int last() {
        return (1 << bits) - 1;
    }

    /// Codes as the searches see them: centred ones less the centre.
    private Codes codes() {
        if (zero == Zero.MINIMUM) {
            return new Codes(0, last(), 4);
        }
        int lowest = bits < EVEN_BITS ? -centre() : 1 - centre();
        return new Codes(lowest, centre() - 1, bits < 6 ? 9 : bits == 6 ? 5 : 3);
    }

    /// The integer nearest to `scaled` that a code can be, less the centre.
    int nearest(float scaled) {
        return zero == Zero.MINIMUM
                ? (int) Codes.nearest(scaled, 0, last())
                : (int) Codes.nearest(scaled, bits < EVEN_BITS ? -centre() : 1 - centre(), centre() - 1);
    }
}
