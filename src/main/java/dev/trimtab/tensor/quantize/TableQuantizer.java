package dev.trimtab.tensor.quantize;

import dev.trimtab.tensor.BlockScales;
import dev.trimtab.tensor.ValueTable;

/// Encodes blocks whose nibbles index a table of 16 values; layouts stand at `TableBlocks`.
///
/// A float scale d is searched as in [ScaleSearch], with the nearest values t of the table for the
/// integers: `d = sum(h x t) / sum(h t^2)` for given t. Where scales are few (powers of two, 8-bit
/// floats), those around the wanted one are tried.
final class TableQuantizer {
    /// Scales tried for each end of the table.
    private static final int STEPS = 9;

    /// The farthest weight is mapped to an end of the table times `1 - REACH` to `1 + REACH`.
    private static final float REACH = 0.15f;

    private static final int REFITS = 2;

    /// The greatest E2M1 number is `1.5 2^2`.
    private static final int E2M1_EXPONENT_MAX = 2;

    private static final int E8M0_BIAS = 127;

    /// The greatest exponent that does not mean NaN.
    private static final int E8M0_MAX = 254;

    /// The greatest E4M3 number without sign.
    private static final int E4M3_MAX = 126;

    private TableQuantizer() {}

    static void iq4nl(Run run, BlockBytes block) {
        float scale = block.f16(0, best(run, ValueTable.NON_LINEAR));
        nibbles(run, scale, ValueTable.NON_LINEAR, block, 2);
    }

    static void mxfp4(Run run, BlockBytes block) {
        float extreme = run.extreme();
        int fitting = extreme == 0 ? 0 : Math.getExponent(extreme) - E2M1_EXPONENT_MAX + E8M0_BIAS;
        int chosen = 0;
        float least = Float.POSITIVE_INFINITY;
        for (int exponent = Math.max(0, fitting - 1); exponent <= Math.min(E8M0_MAX, fitting + 1); exponent++) {
            float error = error(run, BlockScales.halfPowerOfTwo(exponent), ValueTable.E2M1_DOUBLED);
            if (error < least) {
                least = error;
                chosen = exponent;
            }
        }
        block.or(0, chosen);
        nibbles(run, BlockScales.halfPowerOfTwo(chosen), ValueTable.E2M1_DOUBLED, block, 1);
    }

    static void nvfp4(Run run, BlockBytes block) {
        for (int group = 0; group < 4; group++) {
            Run part = run.part(group, 16);
            int chosen = halfE4M3(part);
            block.or(group, chosen);
            nibbles(part, BlockScales.halfE4M3(chosen), ValueTable.E2M1_DOUBLED, block, 4 + 8 * group);
        }
    }

    /// The best of the three E4M3 scales nearest to the best float.
    private static int halfE4M3(Run run) {
        float wanted = Math.abs(best(run, ValueTable.E2M1_DOUBLED));
        int above = 0;
        while (above < E4M3_MAX && BlockScales.halfE4M3(above) < wanted) {
            above++;
        }
        int chosen = 0;
        float least = Float.POSITIVE_INFINITY;
        for (int bits = Math.max(0, above - 2); bits <= above; bits++) {
            float error = error(run, BlockScales.halfE4M3(bits), ValueTable.E2M1_DOUBLED);
            if (error < least) {
                least = error;
                chosen = bits;
            }
        }
        return chosen;
    }

    /// The best float scale found; 0 where all weights are.
    private static float best(Run run, ValueTable table) {
        float extreme = run.extreme();
        if (extreme == 0) {
            return 0;
        }
        ScaleSearch.Fit best = ScaleSearch.Fit.NONE;
        for (int step = 0; step < STEPS; step++) {
            float reach = 1 + REACH * (2f * step / (STEPS - 1) - 1);
            best = best.orBetter(fit(run, table.least() * reach / extreme, table));
            best = best.orBetter(fit(run, table.greatest() * reach / extreme, table));
        }
        for (int refit = 0; refit < REFITS && best.scale() != 0; refit++) {
            best = best.orBetter(fit(run, 1 / best.scale(), table));
        }
        return best.scale();
    }

    private static ScaleSearch.Fit fit(Run run, float inverse, ValueTable table) {
        float hxt = 0;
        float htt = 0;
        for (int i = run.from(); i < run.end(); i++) {
            float weight = run.weights()[i];
            float t = table.value(table.index(weight * inverse));
            float weighted = run.importance()[i] * t;
            hxt += weighted * weight;
            htt += weighted * t;
        }
        return ScaleSearch.Fit.of(hxt, htt);
    }

    private static float error(Run run, float scale, ValueTable table) {
        float inverse = ScaleSearch.inverse(scale);
        float error = 0;
        for (int i = run.from(); i < run.end(); i++) {
            float difference = run.weights()[i] - scale * table.value(table.index(run.weights()[i] * inverse));
            error += run.importance()[i] * difference * difference;
        }
        return error;
    }

    /// The codes of `run`: the first half in low nibbles, the second in high ones.
    private static void nibbles(Run run, float scale, ValueTable table, BlockBytes block, int at) {
        float inverse = ScaleSearch.inverse(scale);
        int half = run.count() / 2;
        for (int j = 0; j < run.count(); j++) {
            block.or(at + j % half, table.index(run.weights()[run.from() + j] * inverse) << (4 * (j / half)));
        }
    }
}
