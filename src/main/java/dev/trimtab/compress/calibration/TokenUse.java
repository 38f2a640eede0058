package dev.trimtab.compress.calibration;

import java.util.BitSet;

/// What is known of a vocabulary's tokens when some of them are to go.
public interface TokenUse {
    /// How often a text has each token, by id.
    long[] counts();

    /// The tokens that must stay whatever their count: structure, bytes, what metadata and the template name.
    BitSet indispensable();

    /// The tokens that must stay for text to become `id`: those it is merged from.
    BitSet ancestors(int id);
}
