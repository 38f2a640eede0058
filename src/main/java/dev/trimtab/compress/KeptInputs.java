package dev.trimtab.compress;

import dev.trimtab.compress.calibration.Covariance;
import dev.trimtab.compress.calibration.InputStatistics;
import dev.trimtab.compress.calibration.Inputs;

/// What is known of an input that lost columns.
///
/// @param kept those that stay, ascending
@SuppressWarnings("ArrayRecordComponent")
record KeptInputs(Inputs all, int[] kept) implements Inputs {
    @Override
    public InputStatistics statistics() {
        InputStatistics whole = all.statistics();
        return new InputStatistics(
                whole.tokens(), some(whole.mean()), some(whole.meanSquare()), some(whole.meanMagnitude()));
    }

    @Override
    public Covariance covariance() {
        Covariance whole = all.covariance();
        float[] values = new float[kept.length * kept.length];
        for (int i = 0; i < kept.length; i++) {
            for (int j = 0; j < kept.length; j++) {
                values[i * kept.length + j] = whole.at(kept[i], kept[j]);
            }
        }
        return new Covariance(kept.length, values);
    }

    private float[] some(float[] values) {
        float[] some = new float[kept.length];
        for (int i = 0; i < kept.length; i++) {
            some[i] = values[kept[i]];
        }
        return some;
    }
}
