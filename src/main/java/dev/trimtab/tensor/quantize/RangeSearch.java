package dev.trimtab.tensor.quantize;

/// Finds the scale d and the minimum m of a run of weights that are kept as `w = d q + m` with integers
/// q in `0..high`.
///
/// For given codes q the weighted squared error `sum h (x - d q - m)^2` is least at the solution of
///
///     d sum(h q^2) + m sum(h q) = sum(h x q)
///     d sum(h q)   + m sum(h)   = sum(h x),
///
/// or, where m may not be positive and would be, at `m = 0` and `d = sum(h x q) / sum(h q^2)`. Ranges a
/// little wider and narrower than the weights' are tried, each end on its own, and the best one's codes
/// are fitted anew from its own d and m.
final class RangeSearch {
    /// How far beyond the farthest weight, in codes, an end of the tried ranges is at most.
    private static final float WIDER = 0.3f;

    /// How far short of it at most: the weights beyond are clipped for the others' sake.
    private static final float NARROWER = 0.9f;

    private static final int REFITS = 2;

    private RangeSearch() {}

    /// Which minima an encoding can hold.
    enum Minimum {
        ANY,
        NOT_POSITIVE
    }

    /// `w = scale q + min`, and the error that is left, less the constant `sum h x^2`.
    record Range(float scale, float min, float error) {
        static final Range ZERO = new Range(0, 0, 0);

        float inverse() {
            return ScaleSearch.inverse(scale);
        }

        private Range orBetter(Range other) {
            return other.error < error ? other : this;
        }
    }

    /// `sum h` and `sum h x`, the same whatever the codes.
    private record Totals(float h, float hx) {
        static Totals of(Run run) {
            float h = 0;
            float hx = 0;
            for (int i = run.from(); i < run.end(); i++) {
                h += run.importance()[i];
                hx += run.importance()[i] * run.weights()[i];
            }
            return new Totals(h, hx);
        }
    }

    /// The best range found for `run`.
    static Range best(Run run, Codes codes, Minimum minimum) {
        float least = minimum == Minimum.ANY ? Float.POSITIVE_INFINITY : 0;
        float greatest = Float.NEGATIVE_INFINITY;
        for (int i = run.from(); i < run.end(); i++) {
            least = Math.min(least, run.weights()[i]);
            greatest = Math.max(greatest, run.weights()[i]);
        }
        if (least >= greatest) {
            return new Range(0, least, 0);
        }
        Totals totals = Totals.of(run);
        Range best = Range.ZERO;
        for (int below = 0; below < codes.steps(); below++) {
            for (int above = 0; above < codes.steps(); above++) {
                float low = reach(below, codes);
                float scale = (greatest - least) / (codes.high() - low - reach(above, codes));
                best = best.orBetter(fit(run, new Range(scale, least - low * scale, 0), codes.high(), minimum, totals));
            }
        }
        for (int refit = 0; refit < REFITS && best.scale() != 0; refit++) {
            best = best.orBetter(fit(run, best, codes.high(), minimum, totals));
        }
        return best;
    }

    private static float reach(int step, Codes codes) {
        return (WIDER + NARROWER) * step / (codes.steps() - 1) - NARROWER;
    }

    /// The best range for the codes that `tried` gives.
    private static Range fit(Run run, Range tried, float high, Minimum minimum, Totals totals) {
        float[] weights = run.weights();
        float[] importance = run.importance();
        float inverse = tried.inverse();
        float min = tried.min();
        float h = totals.h();
        float hx = totals.hx();
        float hq = 0;
        float hqq = 0;
        float hxq = 0;
        for (int i = run.from(); i < run.end(); i++) {
            float q = Codes.nearest((weights[i] - min) * inverse, 0, high);
            float weighted = importance[i] * q;
            hq += weighted;
            hqq += weighted * q;
            hxq += weighted * weights[i];
        }
        float determinant = h * hqq - hq * hq;
        float fitted = (hqq * hx - hq * hxq) / determinant;
        if (!(determinant > 0) || (minimum == Minimum.NOT_POSITIVE && fitted > 0)) {
            return hqq > 0 ? new Range(hxq / hqq, 0, -hxq * (hxq / hqq)) : Range.ZERO;
        }
        float scale = (h * hxq - hq * hx) / determinant;
        return new Range(scale, fitted, -(scale * hxq + fitted * hx));
    }
}
