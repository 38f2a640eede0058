package dev.trimtab.quality.measure;

import dev.trimtab.checkpoint.vocabulary.KeptTokens;
import dev.trimtab.error.Unsupported;
import dev.trimtab.quality.measure.MeasuredText.Chunk;
import dev.trimtab.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/// How a variant writes what its base writes, whose vocabulary may be larger: a token that both have is the same
/// token, and one that is gone is spelled with others, as the variant's own tokenizer spells it. So both read the
/// same text, and compare at every token of the base:
///
/// - The base's probability of a token that is gone counts for the token that its spelling begins with: so it would
///   be for a variant that says what the base says. Divergences are from that distribution.
/// - The variant's probability of a token that is gone is that of its spelling: the product over its tokens.
/// - A likeliest token that is gone is missed.
public final class Dialect {
    /// Of a variant with its base's vocabulary.
    public static final Dialect SAME = new Dialect(Optional.empty(), id -> new int[] {id});

    private final Optional<KeptTokens> kept;
    private final IntFunction<int[]> spelling;

    /// For each of the base's tokens that was asked for, 1 more than the token that its spelling begins with.
    private final int[] beginnings;

    private Dialect(Optional<KeptTokens> kept, IntFunction<int[]> spelling) {
        this(kept, spelling, 0);
    }

    private Dialect(Optional<KeptTokens> kept, IntFunction<int[]> spelling, int vocabSize) {
        this.kept = kept;
        this.spelling = spelling;
        this.beginnings = new int[vocabSize];
    }

    /// Of a variant that has the tokens `kept` of its base; the same where none is gone.
    public static Dialect of(Tokenizer base, Tokenizer variant, Optional<KeptTokens> kept) {
        return kept.map(left -> new Dialect(
                        kept,
                        id -> spelled(base, variant, left, id),
                        base.vocabulary().size()))
                .orElse(SAME);
    }

    private static int[] spelled(Tokenizer base, Tokenizer variant, KeptTokens kept, int id) {
        int after = kept.after(id);
        if (after != KeptTokens.GONE) {
            return new int[] {after};
        }
        String piece = base.vocabulary().piece(id);
        int[] spelled = variant.spell(piece);
        if (spelled.length == 0) {
            throw new Unsupported("token " + id + " '" + piece + "' cannot be spelled with the tokens that are left");
        }
        return spelled;
    }

    /// The variant's name of the base's token `id`, or [KeptTokens#GONE].
    int after(int id) {
        return kept.isEmpty() ? id : kept.get().after(id);
    }

    /// A distribution as far as it is known: what each of some tokens has of it, as a logarithm.
    ///
    /// @param ids each once
    @SuppressWarnings("ArrayRecordComponent")
    record Shares(int[] ids, double[] logarithms) {}

    /// What `teacher` says comes at `token`, in the variant's tokens.
    Shares shares(Teacher teacher, int token) {
        int[] ids = new int[teacher.kept()];
        double[] logarithms = new double[ids.length];
        Map<Integer, Integer> places = new HashMap<>();
        int count = 0;
        for (int i = 0; i < ids.length; i++) {
            int id = teacher.ids()[token * ids.length + i];
            double logarithm = teacher.logits()[token * ids.length + i] - teacher.logSums()[token];
            Integer place = kept.isEmpty() ? null : places.putIfAbsent(beginning(id), count);
            if (place == null) {
                ids[count] = beginning(id);
                logarithms[count++] = logarithm;
            } else {
                logarithms[place] = Math.log(Math.exp(logarithms[place]) + Math.exp(logarithm));
            }
        }
        return new Shares(Arrays.copyOf(ids, count), Arrays.copyOf(logarithms, count));
    }

    private int beginning(int id) {
        if (kept.isEmpty()) {
            return id;
        }
        if (id >= beginnings.length) {
            throw new Unsupported("token " + id + " of the base, whose tokenizer has " + beginnings.length);
        }
        if (beginnings[id] == 0) {
            beginnings[id] = 1 + spelling.apply(id)[0];
        }
        return beginnings[id] - 1;
    }

    /// How many tokens a variant of a base with `vocabSize` has.
    int vocabSize(int vocabSize) {
        return kept.map(KeptTokens::size).orElse(vocabSize);
    }

    /// The base's `ids` in the variant's, at most `lengthMax` of them.
    int[] spelled(int[] ids, int lengthMax) {
        return Arrays.stream(ids)
                .flatMap(id -> Arrays.stream(spelling.apply(id)))
                .limit(lengthMax)
                .toArray();
    }

    /// What a variant reads in place of a text.
    ///
    /// @param text in the variant's ids
    /// @param owners for each scored token of `text`, chunk by chunk, which of the base's scored tokens it is or
    ///     begins; -1 where it goes on with the one before
    record Spelled(MeasuredText text, List<int[]> owners) {
        int tokens() {
            return Math.toIntExact(owners.stream()
                    .flatMapToInt(Arrays::stream)
                    .filter(owner -> owner >= 0)
                    .count());
        }
    }

    /// `base` as the variant reads it, in chunks of at most `contextMax` tokens: of one that has grown longer than
    /// that, the end is left out.
    Spelled spelled(MeasuredText base, int contextMax) {
        List<Chunk> chunks = new ArrayList<>();
        List<int[]> owners = new ArrayList<>();
        int scoredBefore = 0;
        for (Chunk chunk : base.chunks()) {
            IntStream.Builder ids = IntStream.builder();
            IntStream.Builder scored = IntStream.builder();
            int length = 0;
            int first = 0;
            for (int i = 0; i < chunk.ids().length; i++) {
                int[] spelled = spelling.apply(chunk.ids()[i]);
                if (length + spelled.length > contextMax) {
                    break;
                }
                first = i == chunk.firstScored() ? length : first;
                length += spelled.length;
                for (int j = 0; j < spelled.length; j++) {
                    ids.add(spelled[j]);
                    if (i >= chunk.firstScored()) {
                        scored.add(j == 0 ? scoredBefore + i - chunk.firstScored() : -1);
                    }
                }
            }
            if (first > 0) {
                chunks.add(new Chunk(ids.build().toArray(), first));
                owners.add(scored.build().toArray());
            }
            scoredBefore += chunk.scored();
        }
        return new Spelled(base.with(chunks, ids -> spelled(ids, contextMax / 2)), owners);
    }
}
