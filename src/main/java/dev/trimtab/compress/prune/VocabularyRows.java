package dev.trimtab.compress.prune;

import dev.trimtab.error.BadConfiguration;
import java.util.BitSet;
import java.util.Comparator;
import java.util.stream.IntStream;

/// Which tokens stay: those that a corpus uses, most frequent first, and those that must. Which must is the
/// caller's to know: special tokens, byte tokens, and of each kept token of a BPE vocabulary the ancestors it
/// is merged from, without which it is never reached.
public final class VocabularyRows {
    private VocabularyRows() {}

    /// @param counts how often each token occurs, by id
    /// @param mustKeep ids that stay whatever their count
    /// @param keep how many may stay at most; fewer do where fewer are used
    /// @return ids, ascending; of equal counts the lower id stays
    /// @throws BadConfiguration when more must stay than may, or none would
    public static int[] kept(long[] counts, BitSet mustKeep, int keep) {
        int must = mustKeep.cardinality();
        if (mustKeep.length() > counts.length || must > keep) {
            throw new BadConfiguration("vocabulary of " + counts.length + ": " + must + " tokens must stay, "
                    + (must > keep ? keep + " may" : "the last of them is " + (mustKeep.length() - 1)));
        }
        int[] kept = IntStream.concat(
                        mustKeep.stream(),
                        IntStream.range(0, counts.length)
                                .filter(id -> counts[id] > 0 && !mustKeep.get(id))
                                .boxed()
                                .sorted(Comparator.comparingLong((Integer id) -> -counts[id]))
                                .limit(keep - must)
                                .mapToInt(Integer::intValue))
                .sorted()
                .toArray();
        if (kept.length == 0) {
            throw new BadConfiguration("vocabulary of " + counts.length + ": the corpus uses no token of it");
        }
        return kept;
    }
}
