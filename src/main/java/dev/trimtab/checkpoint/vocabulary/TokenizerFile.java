package dev.trimtab.checkpoint.vocabulary;

import dev.trimtab.checkpoint.JsonTree;
import dev.trimtab.error.BadCheckpoint;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// A `tokenizer.json` that can lose tokens. These of its parts hold ids or pieces:
///
/// 1. `model.vocab`: pieces and ids (BPE), or pieces and scores in the order of ids (Unigram);
/// 2. `model.merges`: pairs of pieces, in one string or two; `model.unk_token` a piece, `model.unk_id` an id;
/// 3. `added_tokens`: rows with an `id`; a text that `vocab` has already has its id there;
/// 4. `post_processor`: `special_tokens.*.ids`, and pairs of a text and an id in `sep` and `cls`;
/// 5. `padding.pad_id`.
///
/// Source: huggingface/tokenizers, `tokenizers/src/tokenizer/serialization.rs` and `processors/`.
final class TokenizerFile {
    private static final String ID = "id";
    private static final String IDS = "ids";
    private static final Set<String> PAIRS = Set.of("sep", "cls");
    private static final Set<String> SINGLE_IDS = Set.of("unk_id", "pad_id");

    private final String source;
    private final Map<?, ?> tree;
    private final Map<?, ?> model;
    private final Map<String, Integer> pieces = new HashMap<>();

    private TokenizerFile(String source, String text) {
        this.source = source + ": tokenizer.json";
        tree = JsonTree.parse(this.source, text);
        model = tree.get("model") instanceof Map<?, ?> found ? found : Map.of();
        readVocabulary();
        for (Object row : list(tree.get("added_tokens"))) {
            if (row instanceof Map<?, ?> token && token.get("content") instanceof String content) {
                pieces.putIfAbsent(content, id(token.get(ID)));
            }
        }
    }

    /// Reads `text`; `source` names it in messages.
    static TokenizerFile of(String source, String text) {
        return new TokenizerFile(source, text);
    }

    private void readVocabulary() {
        if (model.get("vocab") instanceof Map<?, ?> map) {
            map.forEach((piece, id) -> pieces.put(String.valueOf(piece), id(id)));
            return;
        }
        List<?> rows = list(model.get("vocab"));
        for (int id = 0; id < rows.size(); id++) {
            pieces.put(piece(rows.get(id)), id);
        }
    }

    private String piece(@Nullable Object row) {
        if (row instanceof List<?> pair && !pair.isEmpty() && pair.getFirst() instanceof String piece) {
            return piece;
        }
        throw BadCheckpoint.mismatch(source + ": model.vocab", "pieces and their scores", String.valueOf(row));
    }

    private int id(@Nullable Object value) {
        if (value instanceof Long id && id >= 0 && id < Integer.MAX_VALUE) {
            return Math.toIntExact(id);
        }
        throw BadCheckpoint.mismatch(source, "the id of a token", String.valueOf(value));
    }

    private static List<?> list(@Nullable Object value) {
        return value instanceof List<?> list ? list : List.of();
    }

    /// The ids that it names outside `model.vocab`.
    BitSet named() {
        BitSet named = new BitSet();
        renamed(tree, id -> {
            named.set(id);
            return id;
        });
        if (model.get("unk_token") instanceof String unknown && pieces.containsKey(unknown)) {
            named.set(pieces.get(unknown));
        }
        return named;
    }

    /// The text of the file with the tokens `kept` and no others.
    String shrunk(KeptTokens kept) {
        Map<String, @Nullable Object> file = renamed(tree, kept::after);
        Map<String, @Nullable Object> changed = new LinkedHashMap<>();
        model.forEach((key, value) -> changed.put(String.valueOf(key), value));
        Set<String> left = new HashSet<>();
        pieces.forEach((piece, id) -> {
            if (kept.contains(id)) {
                left.add(piece);
            }
        });
        changed.computeIfPresent("vocab", (_, vocabulary) -> vocabulary(vocabulary, kept));
        changed.computeIfPresent(
                "merges",
                (_, merges) -> list(merges).stream()
                        .filter(merge -> isMerge(merge, left))
                        .toList());
        changed.computeIfPresent("unk_id", (_, id) -> (long) kept.after(id(id)));
        file.replace("model", changed);
        return JsonTree.text(file);
    }

    private Object vocabulary(Object vocabulary, KeptTokens kept) {
        if (!(vocabulary instanceof Map<?, ?> map)) {
            List<?> rows = list(vocabulary);
            List<@Nullable Object> left = new ArrayList<>();
            for (int id = 0; id < rows.size(); id++) {
                if (kept.contains(id)) {
                    left.add(rows.get(id));
                }
            }
            return left;
        }
        Map<String, Object> left = new LinkedHashMap<>();
        map.forEach((piece, id) -> {
            if (kept.contains(id(id))) {
                left.put(String.valueOf(piece), (long) kept.after(id(id)));
            }
        });
        return left;
    }

    private static boolean isMerge(@Nullable Object merge, Set<String> pieces) {
        if (merge instanceof String line) {
            int space = Math.max(0, line.indexOf(' ', 1));
            return isMerge(line.substring(0, space), line.substring(Math.min(line.length(), space + 1)), pieces);
        }
        return merge instanceof List<?> pair
                && pair.size() == 2
                && pair.getFirst() instanceof String first
                && pair.getLast() instanceof String second
                && isMerge(first, second, pieces);
    }

    private static boolean isMerge(String first, String second, Set<String> pieces) {
        return pieces.contains(first) && pieces.contains(second) && pieces.contains(first + second);
    }

    /// What an id is called from now on.
    @FunctionalInterface
    private interface Names {
        int after(int id);
    }

    /// A copy whose ids outside the model's vocabulary have other names.
    private Map<String, @Nullable Object> renamed(Map<?, ?> part, Names names) {
        Map<String, @Nullable Object> copy = new LinkedHashMap<>();
        part.forEach((name, value) -> {
            String key = String.valueOf(name);
            copy.put(key, key.equals("model") ? value : renamed(key, value, part, names));
        });
        return copy;
    }

    private @Nullable Object renamed(String key, @Nullable Object value, Map<?, ?> part, Names names) {
        if (key.equals(ID) && value instanceof Long) {
            Integer own = part.get("content") instanceof String content ? pieces.get(content) : null;
            return (long) names.after(own == null ? id(value) : own);
        }
        if (SINGLE_IDS.contains(key) && value instanceof Long) {
            return (long) names.after(id(value));
        }
        if (key.equals(IDS) || PAIRS.contains(key)) {
            List<@Nullable Object> copy = new ArrayList<>();
            list(value).forEach(item -> copy.add(item instanceof Long ? (Object) (long) names.after(id(item)) : item));
            return copy;
        }
        return switch (value) {
            case Map<?, ?> map -> renamed(map, names);
            case List<?> list -> {
                List<@Nullable Object> copy = new ArrayList<>();
                list.forEach(item -> copy.add(item instanceof Map<?, ?> map ? renamed(map, names) : item));
                yield copy;
            }
            case null, default -> value;
        };
    }
}
