package dev.trimtab.tensor.quantize;

import dev.trimtab.tensor.quantize.RangeSearch.Minimum;
import dev.trimtab.tensor.quantize.RangeSearch.Range;

/// Finds the two levels of scales and minima of 256 weights that are kept as `w = (d s) q - (e m) 1`
/// with integers s and m for each group and two floats d and e for all.
///
/// 1. Each group gets the range it would have alone ([RangeSearch]); d and e are such that the greatest
///    of them just fit.
/// 2. Each group's integers are chosen again: of the pairs at and around the wanted ones, that whose
///    codes leave the least error.
/// 3. With all integers fixed, the squared error is least at the solution of the two equations for d and
///    e:
///
///         d sum(h a^2) - e sum(h a m) = sum(h x a)
///         d sum(h a m) - e sum(h m^2) = sum(h x m),    a = s q.
///
/// 4. Steps 2 and 3 again, since other integers may now be better.
final class GroupRanges {
    private static final int ROUNDS = 2;

    private final Run run;
    private final Format format;
    private final int[] scales;
    private final int[] mins;
    private float scale;
    private float min;

    /// Weights in a group, their codes, and the greatest integer scale and minimum.
    record Format(int groupSize, Codes codes, int scaleMax) {}

    private GroupRanges(Run run, Format format) {
        this.run = run;
        this.format = format;
        this.scales = new int[run.count() / format.groupSize()];
        this.mins = new int[scales.length];
    }

    static GroupRanges search(Run run, Format format) {
        GroupRanges ranges = new GroupRanges(run, format);
        ranges.start();
        for (int round = 0; round < ROUNDS; round++) {
            for (int group = 0; group < ranges.scales.length; group++) {
                ranges.choose(group);
            }
            ranges.refit();
        }
        return ranges;
    }

    /// The float scale d, a value that f16 holds.
    float scale() {
        return scale;
    }

    /// The float scale e of the minima, a value that f16 holds.
    float min() {
        return min;
    }

    int scale(int group) {
        return scales[group];
    }

    int min(int group) {
        return mins[group];
    }

    /// The code of weight `index` of the 256.
    int code(int index) {
        int group = index / format.groupSize();
        float inverse = ScaleSearch.inverse(scale * scales[group]);
        return format.codes().of((run.weights()[run.from() + index] + min * mins[group]) * inverse);
    }

    private void start() {
        float[] wantedScales = new float[scales.length];
        float[] wantedMins = new float[scales.length];
        float scaleMax = 0;
        float minMax = 0;
        for (int group = 0; group < scales.length; group++) {
            Range range = RangeSearch.best(run.part(group, format.groupSize()), format.codes(), Minimum.NOT_POSITIVE);
            wantedScales[group] = range.scale();
            wantedMins[group] = -range.min();
            scaleMax = Math.max(scaleMax, range.scale());
            minMax = Math.max(minMax, -range.min());
        }
        scale = Half.nearest(scaleMax / format.scaleMax());
        min = Half.nearest(minMax / format.scaleMax());
        for (int group = 0; group < scales.length; group++) {
            scales[group] = integer(wantedScales[group] * ScaleSearch.inverse(scale));
            mins[group] = integer(wantedMins[group] * ScaleSearch.inverse(min));
        }
    }

    private int integer(float wanted) {
        return Math.clamp(Math.round(wanted), 0, format.scaleMax());
    }

    private void choose(int group) {
        Run part = run.part(group, format.groupSize());
        int wantedScale = scales[group];
        int wantedMin = mins[group];
        float least = Float.POSITIVE_INFINITY;
        for (int s = Math.max(0, wantedScale - 1); s <= Math.min(format.scaleMax(), wantedScale + 1); s++) {
            int reach = s == wantedScale ? 1 : 0;
            for (int m = Math.max(0, wantedMin - reach); m <= Math.min(format.scaleMax(), wantedMin + reach); m++) {
                float error = error(part, scale * s, min * m, format.codes().high());
                if (error < least) {
                    least = error;
                    scales[group] = s;
                    mins[group] = m;
                }
            }
        }
    }

    /// The error of `run` as `w = scale q - min` with the nearest codes.
    private static float error(Run run, float scale, float min, float high) {
        float[] weights = run.weights();
        float[] importance = run.importance();
        float inverse = ScaleSearch.inverse(scale);
        float error = 0;
        for (int i = run.from(); i < run.end(); i++) {
            float shifted = weights[i] + min;
            float difference = shifted - scale * Codes.nearest(shifted * inverse, 0, high);
            error += importance[i] * difference * difference;
        }
        return error;
    }

    private void refit() {
        double haa = 0;
        double ham = 0;
        double hmm = 0;
        double hxa = 0;
        double hxm = 0;
        for (int i = 0; i < run.count(); i++) {
            int group = i / format.groupSize();
            double importance = run.importance()[run.from() + i];
            double weighted = importance * run.weights()[run.from() + i];
            double a = scales[group] * code(i);
            haa += importance * a * a;
            ham += importance * a * mins[group];
            hmm += importance * mins[group] * mins[group];
            hxa += weighted * a;
            hxm += weighted * mins[group];
        }
        double determinant = haa * hmm - ham * ham;
        if (determinant > 1e-9 * haa * hmm) {
            scale = Half.nearest((float) ((hmm * hxa - ham * hxm) / determinant));
            min = Half.nearest((float) ((ham * hxa - haa * hxm) / determinant));
        } else if (haa > 0) {
            scale = Half.nearest((float) ((hxa + min * ham) / haa));
        }
    }
}
