package dev.trimtab.quality.calibration;

import dev.trimtab.checkpoint.Metadata;
import dev.trimtab.checkpoint.vocabulary.ShrunkVocabulary;
import dev.trimtab.compress.calibration.TokenUse;
import dev.trimtab.tokenizer.Tokenizer;
import dev.trimtab.tokenizer.Tokenizer.ControlTokens;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.stream.IntStream;

/// The tokens of a corpus, counted.
public final class CorpusTokens implements TokenUse {
    private final Tokenizer tokenizer;
    private final long[] counts;
    private final BitSet indispensable;

    /// @param frames texts all of whose tokens must stay: what a template puts around messages
    public CorpusTokens(Metadata metadata, Tokenizer tokenizer, List<String> documents, List<String> frames) {
        this.tokenizer = tokenizer;
        this.counts = new long[tokenizer.vocabulary().size()];
        this.indispensable = tokenizer.indispensable();
        documents.forEach(document -> ids(document).forEach(id -> counts[id]++));
        indispensable.or(ShrunkVocabulary.named(metadata));
        frames.forEach(frame -> ids(frame).forEach(indispensable::set));
        BitSet named = (BitSet) indispensable.clone();
        named.stream().filter(id -> id < counts.length).forEach(id -> indispensable.or(tokenizer.ancestors(id)));
    }

    private IntStream ids(String text) {
        return Arrays.stream(tokenizer.encodePrompt(text, ControlTokens.PARSE));
    }

    /// Not a copy.
    @Override
    public long[] counts() {
        return counts;
    }

    @Override
    public BitSet indispensable() {
        return (BitSet) indispensable.clone();
    }

    @Override
    public BitSet ancestors(int id) {
        return tokenizer.ancestors(id);
    }
}
