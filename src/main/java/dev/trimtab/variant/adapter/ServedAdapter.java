package dev.trimtab.variant.adapter;

/// An adapter that is loaded over a variant.
///
/// @param id of no other one over the variant, past ones included
/// @param source where it came from
/// @param scale its factor where a request names it as its model
/// @param rank the largest of its matrices
/// @param sizeBytes once packed
/// @param sequences that run with it or wait to
public record ServedAdapter(int id, String name, String source, float scale, int rank, long sizeBytes, int sequences) {}
