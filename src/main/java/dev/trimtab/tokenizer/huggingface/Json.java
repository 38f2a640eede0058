package dev.trimtab.tokenizer.huggingface;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.Unsupported;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// A value in a JSON file that knows where it stands, so that each look-up checks the type and a failure
/// names the place: `tokenizer.json: model.merges`. Null counts as absent.
///
/// `value` is a `Map`, a `List`, or what stands in the file: `String`, `Long`, `Double`, `Boolean`.
record Json(String where, Object value) {
    /// Decoders and pre-tokenizers nest three or four deep.
    private static final int DEPTH_MAX = 64;

    /// The longest string known is T5's map of characters, some 300 thousand.
    private static final int STRING_MAX = 1 << 24;

    private static final JsonFactory FACTORY = JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxNestingDepth(DEPTH_MAX)
                    .maxStringLength(STRING_MAX)
                    .build())
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
            .build();

    /// Parses `text`, one JSON object.
    ///
    /// @throws BadCheckpoint when it is not that
    static Json parse(String where, String text) {
        try (JsonParser parser = FACTORY.createParser(text)) {
            parser.nextToken();
            Object value = read(parser);
            if (!(value instanceof Map) || parser.nextToken() != null) {
                throw BadCheckpoint.mismatch(where + ": JSON", "one object", "something else");
            }
            return new Json(where, value);
        } catch (IOException e) {
            throw new BadCheckpoint(
                    where + ": not JSON: "
                            + String.valueOf(e.getMessage()).lines().findFirst().orElse(""),
                    e);
        }
    }

    private static @Nullable Object read(JsonParser parser) throws IOException {
        JsonToken token = parser.currentToken();
        if (token == null) {
            return null;
        }
        return switch (token) {
            case START_OBJECT -> {
                Map<String, Object> map = new LinkedHashMap<>();
                while (parser.nextToken() != JsonToken.END_OBJECT) {
                    String name = parser.currentName();
                    parser.nextToken();
                    Object value = read(parser);
                    if (value != null) {
                        map.put(name, value);
                    }
                }
                yield map;
            }
            case START_ARRAY -> {
                List<@Nullable Object> list = new ArrayList<>();
                while (parser.nextToken() != JsonToken.END_ARRAY) {
                    list.add(read(parser));
                }
                yield list;
            }
            case VALUE_STRING -> parser.getText();
            case VALUE_NUMBER_INT ->
                parser.getNumberType() == JsonParser.NumberType.BIG_INTEGER
                        ? (Object) parser.getDoubleValue()
                        : (Object) parser.getLongValue();
            case VALUE_NUMBER_FLOAT -> parser.getDoubleValue();
            case VALUE_TRUE -> true;
            case VALUE_FALSE -> false;
            default -> null;
        };
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
