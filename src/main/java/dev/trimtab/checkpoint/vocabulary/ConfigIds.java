package dev.trimtab.checkpoint.vocabulary;

import dev.trimtab.checkpoint.JsonTree;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// The ids of tokens in `config.json`, `generation_config.json` and `tokenizer_config.json`, when tokens are gone:
///
/// 1. `*_token_id` is one id or several;
/// 2. `suppress_tokens`, `begin_suppress_tokens`, `bad_words_ids` and `sequence_bias` are lists, perhaps of lists;
/// 3. `forced_decoder_ids` are pairs of a place and an id;
/// 4. `added_tokens_decoder` has them as names of its fields.
///
/// A list loses ids that are gone, and lists that held one: a phrase with such a token cannot come any more. A
/// field that names one that is gone becomes null.
///
/// Source: huggingface/transformers, `generation/configuration_utils.py`, `tokenization_utils_base.py`.
public final class ConfigIds {
    private static final Set<String> LISTS =
            Set.of("suppress_tokens", "begin_suppress_tokens", "bad_words_ids", "sequence_bias");
    private static final String PAIRS = "forced_decoder_ids";
    private static final String DECODER = "added_tokens_decoder";
    private static final String ONE_ID = "_token_id";

    private final KeptTokens kept;

    private ConfigIds(KeptTokens kept) {
        this.kept = kept;
    }

    /// The text of the file `json` for a vocabulary of the tokens `kept`.
    ///
    /// @param where names it in messages
    /// @throws dev.trimtab.error.BadCheckpoint when it is no JSON object
    public static String renamed(String where, String json, KeptTokens kept) {
        ConfigIds ids = new ConfigIds(kept);
        Map<String, @Nullable Object> changed = new LinkedHashMap<>();
        JsonTree.parse(where, json).forEach((name, value) -> {
            String key = String.valueOf(name);
            changed.put(key, ids.field(key, value));
        });
        return JsonTree.text(changed);
    }

    private @Nullable Object field(String key, @Nullable Object value) {
        if (key.equals(DECODER) && value instanceof Map<?, ?> tokens) {
            return decoder(tokens);
        }
        if (key.equals(PAIRS) && value instanceof List<?> pairs) {
            return pairs.stream().map(this::pair).toList();
        }
        if (key.endsWith(ONE_ID) || LISTS.contains(key)) {
            return ids(value);
        }
        return value;
    }

    /// What is no id stays.
    private @Nullable Object ids(@Nullable Object value) {
        if (value instanceof List<?> list) {
            List<@Nullable Object> left = new ArrayList<>();
            for (Object item : list) {
                Object renamed = ids(item);
                boolean isPhrase = renamed instanceof List<?> phrase && phrase.size() != ((List<?>) item).size();
                if (renamed != null && !isPhrase) {
                    left.add(renamed);
                }
            }
            return left;
        }
        if (!(value instanceof Long id) || id < 0 || id > Integer.MAX_VALUE) {
            return value;
        }
        int after = kept.after(Math.toIntExact(id));
        return after == KeptTokens.GONE ? null : (Long) (long) after;
    }

    private @Nullable Object pair(@Nullable Object pair) {
        if (!(pair instanceof List<?> both) || both.size() != 2) {
            return pair;
        }
        List<@Nullable Object> renamed = new ArrayList<>();
        renamed.add(both.getFirst());
        renamed.add(ids(both.getLast()));
        return renamed;
    }

    private Map<String, @Nullable Object> decoder(Map<?, ?> tokens) {
        Map<String, @Nullable Object> left = new LinkedHashMap<>();
        tokens.forEach((name, token) -> {
            String id = String.valueOf(name);
            int after = id.matches("\\d{1,9}") ? kept.after(Integer.parseInt(id)) : KeptTokens.GONE;
            if (after != KeptTokens.GONE) {
                left.put(Integer.toString(after), token);
            }
        });
        return left;
    }
}
