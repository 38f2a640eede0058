package dev.trimtab.tokenizer;

import dev.trimtab.checkpoint.Metadata;
import dev.trimtab.checkpoint.MetadataValue;
import dev.trimtab.checkpoint.ValueType;
import dev.trimtab.tokenizer.text.ByteAlphabet;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Makes the metadata of a vocabulary by hand, token by token.
final class SmallVocabulary {
    private static final int NORMAL = 1;
    private static final int BYTE = 6;

    private final Map<String, MetadataValue> values = new LinkedHashMap<>();
    private final List<String> pieces = new ArrayList<>();
    private final List<Double> scores = new ArrayList<>();
    private final List<Integer> types = new ArrayList<>();
    private final List<String> merges = new ArrayList<>();

    private SmallVocabulary(String model) {
        values.put("tokenizer.ggml.model", new MetadataValue.Text(model));
    }

    /// Byte-level BPE whose first 256 tokens are the bytes.
    static SmallVocabulary byteLevel(String preTokenizer) {
        SmallVocabulary vocabulary = new SmallVocabulary("gpt2").with("pre", new MetadataValue.Text(preTokenizer));
        for (int value = 0; value < 256; value++) {
            vocabulary.token(ByteAlphabet.piece(value), NORMAL);
        }
        return vocabulary;
    }

    /// SentencePiece that begins with `<unk>`, `<s>` and `</s>`.
    static SmallVocabulary sentencePiece() {
        return new SmallVocabulary("llama").token("<unk>", 2).token("<s>", 3).token("</s>", 3);
    }

    /// Unigram that begins with `<pad>`, `</s>` and `<unk>`.
    static SmallVocabulary unigram() {
        return new SmallVocabulary("t5").token("<pad>", 3).token("</s>", 3).token("<unk>", 2);
    }

    SmallVocabulary token(String piece, int type) {
        return token(piece, type, 0);
    }

    SmallVocabulary token(String piece, int type, double score) {
        pieces.add(piece);
        types.add(type);
        scores.add(score);
        return this;
    }

    /// Adds a token for each byte, `<0x00>` to `<0xFF>`.
    SmallVocabulary bytes() {
        for (int value = 0; value < 256; value++) {
            token("<0x%02X>".formatted(value), BYTE);
        }
        return this;
    }

    /// Adds a merge, and the token it makes.
    SmallVocabulary merge(String left, String right) {
        merges.add(left + " " + right);
        return token(left + right, NORMAL);
    }

    SmallVocabulary with(String key, MetadataValue value) {
        values.put("tokenizer.ggml." + key, value);
        return this;
    }

    SmallVocabulary withId(String name, long id) {
        return with(name + "_token_id", new MetadataValue.Whole(id < 0 ? ValueType.INT32 : ValueType.UINT32, id));
    }

    int size() {
        return pieces.size();
    }

    Map<String, MetadataValue> values() {
        Map<String, MetadataValue> all = new LinkedHashMap<>();
        all.put("tokenizer.ggml.tokens", new MetadataValue.Texts(List.copyOf(pieces)));
        all.put("tokenizer.ggml.merges", new MetadataValue.Texts(List.copyOf(merges)));
        all.put(
                "tokenizer.ggml.scores",
                new MetadataValue.Reals(
                        ValueType.FLOAT32,
                        scores.stream().mapToDouble(Double::doubleValue).toArray()));
        all.put(
                "tokenizer.ggml.token_type",
                new MetadataValue.Wholes(
                        ValueType.INT32,
                        types.stream().mapToLong(Integer::longValue).toArray()));
        all.putAll(values);
        return all;
    }

    /// The tokenizer of a model of `architecture`.
    Tokenizer tokenizer(String architecture) {
        Map<String, MetadataValue> all = values();
        all.put("general.architecture", new MetadataValue.Text(architecture));
        return Tokenizer.of(new Metadata("small.gguf", all));
    }

    Tokenizer tokenizer() {
        return Tokenizer.of(new Metadata("small.gguf", values()));
    }
}
