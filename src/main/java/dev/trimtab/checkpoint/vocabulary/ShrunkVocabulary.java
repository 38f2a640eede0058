package dev.trimtab.checkpoint.vocabulary;

import dev.trimtab.checkpoint.Metadata;
import dev.trimtab.checkpoint.MetadataValue;
import dev.trimtab.checkpoint.ValueType;
import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.BadConfiguration;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// Metadata of a model whose vocabulary lost tokens: everything in it that lists tokens loses those that are gone,
/// and everything that names one by its id names it by the new one.
///
/// 1. `tokenizer.ggml.tokens`, `.scores` and `.token_type` list them all.
/// 2. `tokenizer.ggml.merges` keeps the merges of tokens that stay into one that stays.
/// 3. `*_token_id` is one id.
/// 4. `trimtab.tokenizer.end_ids` and `tokenizer.ggml.suppress_tokens` are ids.
/// 5. `tokenizer.huggingface.json` is a file with all of that ([TokenizerFile]).
///
/// The number of tokens among a model's sizes is `Structure`'s.
///
/// Source of the keys: ggml-org/llama.cpp, `gguf-py/gguf/constants.py`, `Keys.Tokenizer`.
public final class ShrunkVocabulary {
    private static final String TOKENS = "tokenizer.ggml.tokens";
    private static final String MERGES = "tokenizer.ggml.merges";
    private static final String FILE = "tokenizer.huggingface.json";
    private static final String MODEL = "tokenizer.ggml.model";
    private static final String ONE_ID = "_token_id";
    private static final Set<String> LISTS = Set.of(TOKENS, "tokenizer.ggml.scores", "tokenizer.ggml.token_type");
    private static final Set<String> IDS = Set.of("trimtab.tokenizer.end_ids", "tokenizer.ggml.suppress_tokens");

    /// In files of these models the first three tokens mean something where no key says so.
    private static final Set<String> MODELS_WITH_DEFAULTS = Set.of("llama", "t5");

    private static final int DEFAULTS = 3;

    private final Metadata metadata;
    private final KeptTokens kept;

    private ShrunkVocabulary(Metadata metadata, KeptTokens kept) {
        this.metadata = metadata;
        this.kept = kept;
    }

    /// `metadata` with the tokens `kept` and no others.
    ///
    /// @throws BadConfiguration when a token that must stay is gone, or one stays that there is not
    /// @throws BadCheckpoint when the metadata contradicts itself
    public static Metadata of(Metadata metadata, KeptTokens kept) {
        return new ShrunkVocabulary(metadata, kept).shrunk();
    }

    /// The ids that `metadata` names outside its lists of all tokens; they must stay.
    public static BitSet named(Metadata metadata) {
        BitSet named = new BitSet();
        metadata.values().forEach((key, value) -> {
            if (key.endsWith(ONE_ID) && value instanceof MetadataValue.Whole(ValueType _, long id)) {
                name(named, id);
            } else if (IDS.contains(key) && value instanceof MetadataValue.Wholes(ValueType _, long[] ids)) {
                Arrays.stream(ids).forEach(id -> name(named, id));
            } else if (key.equals(FILE) && value instanceof MetadataValue.Text(String text)) {
                named.or(TokenizerFile.of(metadata.source(), text).named());
            }
        });
        if (MODELS_WITH_DEFAULTS.contains(metadata.string(MODEL, ""))) {
            named.set(0, DEFAULTS);
        }
        return named;
    }

    /// Files write -1, signed or not, for a token that they do not have.
    private static void name(BitSet named, long id) {
        if (isId(id)) {
            named.set((int) id);
        }
    }

    private static boolean isId(long id) {
        return id >= 0 && id < Integer.MAX_VALUE;
    }

    private Metadata shrunk() {
        check();
        Map<String, MetadataValue> values = new LinkedHashMap<>();
        metadata.values().forEach((key, value) -> values.put(key, shrunk(key, value)));
        return new Metadata(metadata.source(), values);
    }

    private void check() {
        named(metadata).stream().filter(id -> !kept.contains(id)).findFirst().ifPresent(id -> {
            throw new BadConfiguration(
                    metadata.source() + ": a vocabulary without token " + id + ", which its metadata names");
        });
        int size = metadata.find(TOKENS).orElse(null) instanceof MetadataValue.Array tokens
                ? tokens.length()
                : Integer.MAX_VALUE;
        if (kept.last() >= size) {
            throw new BadConfiguration(
                    metadata.source() + ": a vocabulary of " + size + " tokens that keeps number " + kept.last());
        }
    }

    private MetadataValue shrunk(String key, MetadataValue value) {
        if (LISTS.contains(key)) {
            return listed(key, value);
        }
        if (key.equals(MERGES)) {
            return new MetadataValue.Texts(merges());
        }
        if (key.equals(FILE) && value instanceof MetadataValue.Text(String text)) {
            return new MetadataValue.Text(
                    TokenizerFile.of(metadata.source(), text).shrunk(kept));
        }
        if (key.endsWith(ONE_ID) && value instanceof MetadataValue.Whole(ValueType type, long id) && isId(id)) {
            return new MetadataValue.Whole(type, kept.after((int) id));
        }
        if (IDS.contains(key) && value instanceof MetadataValue.Wholes(ValueType type, long[] ids)) {
            long[] renamed = Arrays.stream(ids)
                    .map(id -> isId(id) ? kept.after((int) id) : id)
                    .toArray();
            return new MetadataValue.Wholes(type, renamed);
        }
        return value;
    }

    private MetadataValue listed(String key, MetadataValue value) {
        if (value instanceof MetadataValue.Array array && array.length() <= kept.last()) {
            throw BadCheckpoint.mismatch(
                    metadata.source() + ": metadata " + key, "an entry for each token", value.describe());
        }
        return switch (value) {
            case MetadataValue.Texts(List<String> texts) ->
                new MetadataValue.Texts(
                        Arrays.stream(kept.ids()).mapToObj(texts::get).toList());
            case MetadataValue.Wholes(ValueType type, long[] all) ->
                new MetadataValue.Wholes(
                        type, Arrays.stream(kept.ids()).mapToLong(id -> all[id]).toArray());
            case MetadataValue.Reals(ValueType type, double[] all) ->
                new MetadataValue.Reals(
                        type,
                        Arrays.stream(kept.ids()).mapToDouble(id -> all[id]).toArray());
            case MetadataValue.Flags _,
                    MetadataValue.Nested _,
                    MetadataValue.Text _,
                    MetadataValue.Flag _,
                    MetadataValue.Whole _,
                    MetadataValue.Real _ ->
                throw BadCheckpoint.mismatch(
                        metadata.source() + ": metadata " + key, "an array of texts or numbers", value.describe());
        };
    }

    /// Lines of two pieces with a space between.
    private List<String> merges() {
        List<String> tokens = metadata.strings(TOKENS);
        Set<String> pieces = new HashSet<>();
        for (int id : kept.ids()) {
            pieces.add(tokens.get(id));
        }
        return metadata.strings(MERGES).stream()
                .filter(line -> {
                    int space = Math.max(0, line.indexOf(' ', 1));
                    String left = line.substring(0, space);
                    String right = line.substring(Math.min(line.length(), space + 1));
                    return pieces.contains(left) && pieces.contains(right) && pieces.contains(left + right);
                })
                .toList();
    }
}
