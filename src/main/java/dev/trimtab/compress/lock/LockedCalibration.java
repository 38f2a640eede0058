package dev.trimtab.compress.lock;

import dev.trimtab.compress.calibration.CalibrationSource;
import dev.trimtab.compress.calibration.Inputs;
import dev.trimtab.error.BadConfiguration;
import java.util.function.Supplier;

/// The calibration that a lock names: its digest is known, and it is read only if something has to be made anew. Then
/// it must be the one that was locked.
///
/// @param digest as locked
/// @param source reads it
public record LockedCalibration(String digest, Supplier<CalibrationSource> source) implements CalibrationSource {
    @Override
    public Inputs inputs(String tensor) {
        return checked().inputs(tensor);
    }

    @Override
    public float[] nearZero(String tensor, float epsilon) {
        return checked().nearZero(tensor, epsilon);
    }

    @Override
    public Influence influence(int layer) {
        return checked().influence(layer);
    }

    /// @throws BadConfiguration where it has become another
    private CalibrationSource checked() {
        CalibrationSource found = source.get();
        if (!found.digest().equals(digest)) {
            throw new BadConfiguration("calibration: expected " + digest + ", as locked, found " + found.digest()
                    + "; delete the lock to resolve the recipe anew");
        }
        return found;
    }
}
