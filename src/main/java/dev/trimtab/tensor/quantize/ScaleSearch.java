package dev.trimtab.tensor.quantize;

/// Finds the scale d of a run of weights that are kept as `w = d q` with integers q in `low..high`.
///
/// For given codes q the weighted squared error `sum h (x - d q)^2` is least at
///
///     d = sum(h x q) / sum(h q^2),
///
/// where it has fallen by `sum(h x q)^2 / sum(h q^2)`: the gain. Which codes are best no formula tells,
/// so several scales are tried, each of which maps the weight farthest from zero near an end of the
/// range; the codes of the one with the greatest gain are fitted anew from its own d until that gains no
/// more.
final class ScaleSearch {
    /// How far beyond (or short of) an end of the range the farthest weight is mapped, in codes: beyond
    /// it one weight is clipped for the others' sake, short of it the grid may suit the rest better.
    private static final float REACH = 0.9f;

    /// Refitting the codes nearly always ends after one or two rounds.
    private static final int REFITS = 2;

    private ScaleSearch() {}

    /// What weights are multiplied by to be codes; 0, which keeps nothing, for a scale of 0 or one so
    /// small that its inverse would be infinite.
    static float inverse(float scale) {
        return Math.abs(scale) < Float.MIN_NORMAL ? 0 : 1 / scale;
    }

    /// A scale and how far it brings the error down.
    record Fit(float scale, float gain) {
        static final Fit NONE = new Fit(0, 0);

        /// The best scale for given codes q, of `sum(h x q)` and `sum(h q^2)`.
        static Fit of(float hxq, float hqq) {
            return hqq > 0 ? new Fit(hxq / hqq, hxq * (hxq / hqq)) : NONE;
        }

        Fit orBetter(Fit other) {
            return other.gain > gain ? other : this;
        }
    }

    /// The best scale found for `run`; 0 where all its weights are.
    static float best(Run run, Codes codes) {
        float extreme = run.extreme();
        if (extreme == 0) {
            return 0;
        }
        Fit best = Fit.NONE;
        for (int step = 0; step < codes.steps(); step++) {
            float reach = codes.steps() == 1 ? 0 : REACH * (2f * step / (codes.steps() - 1) - 1);
            best = best.orBetter(fit(run, (codes.low() - reach) / extreme, codes));
            if (codes.low() != -codes.high()) {
                best = best.orBetter(fit(run, (codes.high() + reach) / extreme, codes));
            }
        }
        for (int refit = 0; refit < REFITS && best.scale() != 0; refit++) {
            best = best.orBetter(fit(run, 1 / best.scale(), codes));
        }
        return best.scale();
    }

    private static Fit fit(Run run, float inverse, Codes codes) {
        float[] weights = run.weights();
        float[] importance = run.importance();
        float low = codes.low();
        float high = codes.high();
        float hxq = 0;
        float hqq = 0;
        for (int i = run.from(); i < run.end(); i++) {
            float q = Codes.nearest(weights[i] * inverse, low, high);
            float weighted = importance[i] * q;
            hxq += weighted * weights[i];
            hqq += weighted * q;
        }
        return Fit.of(hxq, hqq);
    }
}
