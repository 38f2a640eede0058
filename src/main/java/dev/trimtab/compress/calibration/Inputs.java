package dev.trimtab.compress.calibration;

/// What a method may ask about the input of the matrix it works on.
public interface Inputs {
    InputStatistics statistics();

    /// Costs a pass over the calibration text: only for methods that need it.
    Covariance covariance();
}
