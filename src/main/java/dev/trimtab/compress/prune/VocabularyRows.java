package dev.trimtab.compress.prune;

import dev.trimtab.checkpoint.vocabulary.KeptTokens;
import dev.trimtab.compress.calibration.TokenUse;
import dev.trimtab.error.BadConfiguration;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Comparator;
import java.util.stream.IntStream;

/// Which tokens stay: those that must, then those that a corpus has most often, each with its ancestors, without
/// which text never becomes it. One that has more of these than there is room for is left out, and the next tried. Of
/// equal counts the lower id goes first: ids fall with frequency in every vocabulary that was learned by merging.
///
/// Source: huggingface/tokenizers issue 1668 (why ancestors matter); FR-Spec (arXiv 2502.14856) for the ranking by
/// frequency.
public final class VocabularyRows {
    private VocabularyRows() {}

    /// How many may stay.
    public sealed interface Limit {
        /// So many; of a smaller vocabulary all.
        record Count(int tokens) implements Limit {}

        /// A share of the rows of the embedding, in 0..1.
        record Share(double share) implements Limit {}

        /// As many as it takes to spell a share of the corpus' tokens, in 0..1, as they are.
        record Coverage(double share) implements Limit {}

        /// How many rows of `rows` may stay; all where only a corpus can tell.
        default int most(int rows) {
            return switch (this) {
                case Count(int tokens) -> Math.min(tokens, rows);
                case Share(double share) -> Math.clamp(Math.round(share * rows), 1, rows);
                case Coverage _ -> rows;
            };
        }
    }

    /// @param rows of the embedding; a vocabulary may have fewer tokens
    /// @throws BadConfiguration when more must stay than may, or the corpus has no token
    public static KeptTokens kept(TokenUse use, Limit limit, int rows) {
        long[] counts = use.counts();
        BitSet kept = (BitSet) use.indispensable().clone();
        int most = Math.min(limit.most(rows), counts.length);
        if (kept.length() > counts.length || kept.cardinality() > most) {
            throw new BadConfiguration("prune: vocab: of " + counts.length + " tokens " + kept.cardinality()
                    + " must stay (special and byte tokens, single characters, what the template spells), and " + most
                    + " may");
        }
        long all = Arrays.stream(counts).sum();
        if (all == 0) {
            throw new BadConfiguration("prune: vocab: a corpus with tokens expected, found none");
        }
        long covered = kept.stream().mapToLong(id -> counts[id]).sum();
        double wanted = limit instanceof Limit.Coverage(double share) ? share * all : Double.POSITIVE_INFINITY;
        for (int id : byFrequency(counts)) {
            if (covered >= wanted || kept.cardinality() >= most) {
                break;
            }
            covered += add(id, use, most, kept);
        }
        return new KeptTokens(kept.stream().toArray());
    }

    private static int[] byFrequency(long[] counts) {
        return IntStream.range(0, counts.length)
                .boxed()
                .sorted(Comparator.comparingLong((Integer id) -> -counts[id]))
                .mapToInt(Integer::intValue)
                .toArray();
    }

    /// Adds `id` and what it needs, if there is room. Returns how many tokens of the corpus that gains.
    private static long add(int id, TokenUse use, int most, BitSet kept) {
        if (kept.get(id)) {
            return 0;
        }
        BitSet added = use.ancestors(id);
        added.set(id);
        added.andNot(kept);
        if (kept.cardinality() + added.cardinality() > most) {
            return 0;
        }
        kept.or(added);
        return added.stream().mapToLong(one -> use.counts()[one]).sum();
    }
}
