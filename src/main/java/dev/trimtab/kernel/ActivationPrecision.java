package dev.trimtab.kernel;

/// What a packed operator multiplies its codes with.
public enum ActivationPrecision {
    /// The activations as they are: exact but for rounding of sums.
    FLOAT32,
    /// Activations quantized to 8 bits per block of 32 (operators with 16- and 32-bit weights ignore this).
    INT8
}
