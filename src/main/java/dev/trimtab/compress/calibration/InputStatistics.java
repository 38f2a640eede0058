package dev.trimtab.compress.calibration;

/// Moments of the input x of one matrix over the calibration tokens, one number a column.
///
/// @param tokens how many vectors they are taken over
/// @param mean `E[x_j]`
/// @param meanSquare `E[x_j^2]`, llama.cpp's importance matrix
/// @param meanMagnitude `E[|x_j|]`
@SuppressWarnings("ArrayRecordComponent")
public record InputStatistics(long tokens, float[] mean, float[] meanSquare, float[] meanMagnitude) {
    public InputStatistics {
        assert mean.length == meanSquare.length && mean.length == meanMagnitude.length : mean.length;
    }

    public int columns() {
        return mean.length;
    }

    /// `E[x_j^2] - E[x_j]^2`, at least 0.
    public float variance(int column) {
        return Math.max(0, meanSquare[column] - mean[column] * mean[column]);
    }
}
