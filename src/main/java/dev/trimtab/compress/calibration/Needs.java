package dev.trimtab.compress.calibration;

/// What a method must know of a matrix's inputs; each includes the ones before.
public enum Needs {
    /// Works on the weights alone.
    NOTHING,
    /// [InputStatistics]: one pass over a calibration text for all matrices, or an importance matrix.
    STATISTICS,
    /// [Covariance]: a pass a layer.
    COVARIANCE
}
