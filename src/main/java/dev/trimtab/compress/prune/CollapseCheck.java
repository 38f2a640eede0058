package dev.trimtab.compress.prune;

import dev.trimtab.compress.matrix.Matrix;
import dev.trimtab.error.BadConfiguration;

/// Refuses what a method has made unusable: a matrix of zeros, through which nothing passes (layer collapse,
/// Tanaka et al. 2020, SynFlow), or one with a weight that is no finite number.
public final class CollapseCheck {
    private CollapseCheck() {}

    /// @param tensor its name, `method` what made it: both stand in the message
    /// @throws BadConfiguration for a matrix that collapsed
    public static void check(String tensor, String method, Matrix matrix) {
        boolean lives = false;
        for (int i = 0; i < matrix.values().length; i++) {
            float weight = matrix.values()[i];
            if (!Float.isFinite(weight)) {
                throw new BadConfiguration("tensor " + tensor + ": " + method + " made weight [" + i / matrix.columns()
                        + ", " + i % matrix.columns() + "] " + weight + ", which is no finite number");
            }
            lives |= weight != 0;
        }
        if (!lives) {
            throw new BadConfiguration("tensor " + tensor + ": " + method + " left none of " + matrix.shape()
                    + " weights, so that nothing passes its layer; remove less");
        }
    }
}
