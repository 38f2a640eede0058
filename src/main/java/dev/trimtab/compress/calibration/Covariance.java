package dev.trimtab.compress.calibration;

/// The second moments `C = E[x x^T]` of the input of one matrix, `[size, size]`, symmetric, row-major. The mean
/// is not taken off.
@SuppressWarnings("ArrayRecordComponent")
public record Covariance(int size, float[] values) {
    public Covariance {
        assert values.length == Math.multiplyExact(size, size) : values.length;
    }

    public float at(int row, int column) {
        return values[row * size + column];
    }
}
