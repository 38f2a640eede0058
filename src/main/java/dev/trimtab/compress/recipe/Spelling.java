package dev.trimtab.compress.recipe;

import java.util.Collection;
import java.util.Comparator;
import java.util.Optional;

/// What somebody may have meant.
final class Spelling {
    /// More slips than this are another word.
    private static final int SLIPS_MAX = 3;

    private Spelling() {}

    /// The candidate nearest to `word`, where one is near.
    static Optional<String> nearest(String word, Collection<String> candidates) {
        int slipsMax = Math.min(SLIPS_MAX, Math.max(1, word.length() / 2));
        return candidates.stream()
                .filter(candidate -> Math.abs(candidate.length() - word.length()) <= slipsMax)
                .filter(candidate -> distance(word, candidate) <= slipsMax)
                .min(Comparator.comparingInt(candidate -> distance(word, candidate)));
    }

    /// `; did you mean ...`, or nothing.
    static String hint(String word, Collection<String> candidates) {
        return nearest(word, candidates)
                .map(found -> "; did you mean `" + found + "`?")
                .orElse("");
    }

    /// Levenshtein's: characters to insert, delete or change, two rows of the table at a time.
    private static int distance(String a, String b) {
        int[] previous = new int[b.length() + 1];
        for (int j = 0; j <= b.length(); j++) {
            previous[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            int[] current = new int[b.length() + 1];
            current[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int changed = previous[j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                current[j] = Math.min(changed, 1 + Math.min(previous[j], current[j - 1]));
            }
            previous = current;
        }
        return previous[b.length()];
    }
}
