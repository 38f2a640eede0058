package dev.trimtab.tokenizer.huggingface;

import dev.trimtab.checkpoint.JsonTree;
import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.Unsupported;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// A value in a JSON file that knows where it stands, so that each look-up checks the type and a failure
/// names the place: `tokenizer.json: model.merges`. Null counts as absent.
///
/// `value` is a `Map`, a `List`, or what stands in the file: `String`, `Long`, `Double`, `Boolean`.
record Json(String where, Object value) {
    /// Parses `text`, one JSON object.
    ///
    /// @throws BadCheckpoint when it is not that
    static Json parse(String where, String text) {
        return new Json(where, JsonTree.parse(where, text));
    }

    Optional<Json> find(String key) {
        Object found = map().get(key);
        return found == null ? Optional.empty() : Optional.of(new Json(where + "." + key, found));
    }

    Json get(String key) {
        return find(key).orElseThrow(() -> BadCheckpoint.mismatch(where + "." + key, "a value", "none"));
    }

    Map<?, ?> map() {
        if (value instanceof Map<?, ?> map) {
            return map;
        }
        throw wrong("an object");
    }

    /// The elements of an array, of which none may be null.
    List<Json> list() {
        if (!(value instanceof List<?> list)) {
            throw wrong("an array");
        }
        List<Json> elements = new ArrayList<>(list.size());
        for (Object element : list) {
            String place = where + "[" + elements.size() + "]";
            if (element == null) {
                throw BadCheckpoint.mismatch(place, "a value", "null");
            }
            elements.add(new Json(place, element));
        }
        return elements;
    }

    String text() {
        if (value instanceof String text) {
            return text;
        }
        throw wrong("a string");
    }

    String text(String key) {
        return get(key).text();
    }

    String text(String key, String fallback) {
        return find(key).map(Json::text).orElse(fallback);
    }

    /// The text under `key`, of which one character is expected.
    char character(String key, char fallback) {
        String text = text(key, String.valueOf(fallback));
        if (text.length() != 1) {
            throw BadCheckpoint.mismatch(where + "." + key, "one character", "'" + text + "'");
        }
        return text.charAt(0);
    }

    boolean flag(String key, boolean fallback) {
        Object found = find(key).map(Json::value).orElse(fallback);
        if (found instanceof Boolean flag) {
            return flag;
        }
        throw get(key).wrong("a boolean");
    }

    int integer(int min, int max) {
        if (value instanceof Long number && number >= min && number <= max) {
            return Math.toIntExact(number);
        }
        throw wrong("an integer in " + min + ".." + max);
    }

    int integer(String key, int min, int max, int fallback) {
        return find(key).map(found -> found.integer(min, max)).orElse(fallback);
    }

    double number() {
        if (value instanceof Long number) {
            return number;
        }
        if (value instanceof Double number && Double.isFinite(number)) {
            return number;
        }
        throw wrong("a finite number");
    }

    private BadCheckpoint wrong(String expected) {
        String shown = String.valueOf(value);
        return BadCheckpoint.mismatch(where, expected, shown.length() <= 60 ? shown : shown.substring(0, 60) + "...");
    }

    /// The kind of step this is, its `type`.
    String type() {
        return text("type");
    }

    /// For a `type` that is not known.
    Unsupported unsupported() {
        return new Unsupported(where + ": type " + type() + " is not supported");
    }
}
