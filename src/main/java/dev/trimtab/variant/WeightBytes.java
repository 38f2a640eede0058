package dev.trimtab.variant;

/// Packed weights of one variant.
///
/// @param own those that go when it goes
/// @param shared those that another variant holds too
public record WeightBytes(long own, long shared) {}
