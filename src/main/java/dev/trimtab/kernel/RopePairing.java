package dev.trimtab.kernel;

/// Which elements of a head rotary embedding turns together.
public enum RopePairing {
    /// (0, 1), (2, 3), ...: GGUF's `llama` family, whose q and k rows were permuted at conversion.
    ADJACENT,
    /// (0, n/2), (1, n/2 + 1), ...: Hugging Face's layout, GGUF's NEOX families.
    HALVES
}
