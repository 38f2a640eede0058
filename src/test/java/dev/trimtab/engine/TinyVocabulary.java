package dev.trimtab.engine;

import dev.trimtab.checkpoint.Metadata;
import dev.trimtab.checkpoint.MetadataValue;
import dev.trimtab.checkpoint.ValueType;
import dev.trimtab.tokenizer.Tokenizer;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// A tokenizer of forty tokens, made by hand: letters that overlap in many ways, and the bytes of two
/// characters that no single token holds.
final class TinyVocabulary {
    /// End of generation.
    static final int EOS = 2;

    private static final List<String> PIECES = List.of(
            "<unk>", "<s>", "</s>", "<0xF0>", "<0x9F>", "<0x98>", "<0x80>", "<0xC3>", "<0xA9>", "▁", "a", "b", "c", "d",
            "ab", "ba", "bc", "cd", "abc", "bcd", "▁a", "▁b", "aa", "bb", "aab", "abab", "baba", ".", "\n", "e", "f",
            "ef", "fe", "g", "h", "i", "j", "k", "l", "m");

    static final Tokenizer TOKENIZER = tokenizer();

    private TinyVocabulary() {}

    static int size() {
        return PIECES.size();
    }

    /// The id of a piece as the vocabulary lists it.
    static int id(String piece) {
        int id = PIECES.indexOf(piece);
        assert id >= 0 : piece;
        return id;
    }

    private static Tokenizer tokenizer() {
        long[] types = new long[PIECES.size()];
        double[] scores = new double[PIECES.size()];
        for (int id = 0; id < types.length; id++) {
            types[id] = id == 0 ? 2 : id <= EOS ? 3 : id < id("▁") ? 6 : 1;
            scores[id] = -id;
        }
        Map<String, MetadataValue> values = new LinkedHashMap<>();
        values.put("tokenizer.ggml.model", new MetadataValue.Text("llama"));
        values.put("tokenizer.ggml.tokens", new MetadataValue.Texts(PIECES));
        values.put("tokenizer.ggml.token_type", new MetadataValue.Wholes(ValueType.INT32, types));
        values.put("tokenizer.ggml.scores", new MetadataValue.Reals(ValueType.FLOAT32, scores));
        return Tokenizer.of(new Metadata("tiny", values));
    }
}
