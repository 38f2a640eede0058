package dev.trimtab.tensor.quantize;

/// Finds the two levels of scales of 256 weights in groups of 16 that are kept as `w = (d s) q` with an
/// integer s for each group and one float d for all: [GroupRanges] without minima.
final class GroupScales {
    /// Both encodings that are made so have groups of 16.
    private static final int GROUP_SIZE = 16;

    private static final int ROUNDS = 2;

    private final Run run;
    private final Format format;
    private final int[] scales;
    private float scale;

    /// The codes of weights, and those of scales.
    record Format(Codes codes, Codes scales) {}

    private GroupScales(Run run, Format format) {
        this.run = run;
        this.format = format;
        this.scales = new int[run.count() / GROUP_SIZE];
    }

    static GroupScales search(Run run, Format format) {
        GroupScales found = new GroupScales(run, format);
        found.start();
        for (int round = 0; round < ROUNDS; round++) {
            for (int group = 0; group < found.scales.length; group++) {
                found.choose(group);
            }
            found.refit();
        }
        return found;
    }

    /// The float scale d, a value that f16 holds.
    float scale() {
        return scale;
    }

    int scale(int group) {
        return scales[group];
    }

    /// The code of weight `index` of the 256.
    int code(int index) {
        float inverse = ScaleSearch.inverse(scale * scales[index / GROUP_SIZE]);
        return format.codes().of(run.weights()[run.from() + index] * inverse);
    }

    /// The scale of greatest size becomes the lowest integer, whose size is greatest too.
    private void start() {
        float[] wanted = new float[scales.length];
        float extreme = 0;
        for (int group = 0; group < scales.length; group++) {
            wanted[group] = ScaleSearch.best(run.part(group, GROUP_SIZE), format.codes());
            extreme = Math.abs(wanted[group]) > Math.abs(extreme) ? wanted[group] : extreme;
        }
        scale = Half.nearest(extreme / format.scales().low());
        for (int group = 0; group < scales.length; group++) {
            scales[group] = format.scales().of(wanted[group] * ScaleSearch.inverse(scale));
        }
    }

    private void choose(int group) {
        Run part = run.part(group, GROUP_SIZE);
        int wanted = scales[group];
        float least = Float.POSITIVE_INFINITY;
        int low = Math.max(format.scales().low(), wanted - 1);
        int high = Math.min(format.scales().high(), wanted + 1);
        for (int s = low; s <= high; s++) {
            float error = error(part, scale * s);
            if (error < least) {
                least = error;
                scales[group] = s;
            }
        }
    }

    private float error(Run part, float groupScale) {
        float[] weights = part.weights();
        float[] importance = part.importance();
        float low = format.codes().low();
        float high = format.codes().high();
        float inverse = ScaleSearch.inverse(groupScale);
        float error = 0;
        for (int i = part.from(); i < part.end(); i++) {
            float difference = weights[i] - groupScale * Codes.nearest(weights[i] * inverse, low, high);
            error += importance[i] * difference * difference;
        }
        return error;
    }

    /// `d = sum(h x a) / sum(h a^2)` with `a = s q`.
    private void refit() {
        double haa = 0;
        double hxa = 0;
        for (int i = 0; i < run.count(); i++) {
            double importance = run.importance()[run.from() + i];
            double a = scales[i / GROUP_SIZE] * code(i);
            haa += importance * a * a;
            hxa += importance * run.weights()[run.from() + i] * a;
        }
        if (haa > 0) {
            scale = Half.nearest((float) (hxa / haa));
        }
    }
}
