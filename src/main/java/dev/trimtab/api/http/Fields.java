package dev.trimtab.api.http;

import dev.trimtab.error.InvalidRequest;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/// Typed look-ups over one JSON object of a request. A field that is absent and one that is null are the
/// same, because clients send both. A field of the wrong type is an [InvalidRequest] that names its path,
/// what was expected and what was found.
public final class Fields {
    private static final int SHOWN_LENGTH_MAX = 60;

    private final Map<String, @Nullable Object> values;
    private final String path;

    private Fields(Map<String, @Nullable Object> values, String path) {
        this.values = values;
        this.path = path;
    }

    /// The fields of a whole body.
    public static Fields ofBody(byte[] body) {
        return of(JsonReader.read(body), "");
    }

    /// The fields of `json`, which must be an object; `path` is where it stands in the body (empty for the
    /// body itself).
    public static Fields of(@Nullable Object json, String path) {
        if (json instanceof Map<?, ?> map) {
            Map<String, @Nullable Object> values = new LinkedHashMap<>();
            map.forEach((key, value) -> values.put(String.valueOf(key), value));
            return new Fields(values, path);
        }
        String expected = "an object expected, found " + describe(json);
        throw path.isEmpty()
                ? InvalidRequest.of("the body: " + expected)
                : InvalidRequest.param(path, path + ": " + expected);
    }

    /// The object itself, unchecked fields included; callers may change it.
    public Map<String, @Nullable Object> values() {
        return values;
    }

    /// The path of `name` as the caller would write it.
    public String path(String name) {
        return path.isEmpty() ? name : path + "." + name;
    }

    public boolean contains(String name) {
        return values.get(name) != null;
    }

    public Optional<Object> find(String name) {
        return Optional.ofNullable(values.get(name));
    }

    public String string(String name) {
        return findString(name).orElseThrow(() -> missing(name, "a string"));
    }

    public Optional<String> findString(String name) {
        return find(name).map(value -> {
            if (value instanceof String string) {
                return string;
            }
            throw wrong(name, "a string");
        });
    }

    public boolean flag(String name, Default otherwise) {
        Object value = values.get(name);
        if (value == null) {
            return otherwise == Default.TRUE;
        }
        if (value instanceof Boolean flag) {
            return flag;
        }
        throw wrong(name, "true or false");
    }

    /// What a flag is when it is not given.
    public enum Default {
        TRUE,
        FALSE
    }

    /// A finite or infinite number; its range is the taker's to check.
    public float number(String name, float otherwise) {
        Object value = values.get(name);
        if (value == null) {
            return otherwise;
        }
        if (value instanceof Number number) {
            return number.floatValue();
        }
        throw wrong(name, "a number");
    }

    public int integer(String name, int min, int max, int otherwise) {
        return findInteger(name, min, max).orElse(otherwise);
    }

    public OptionalInt findInteger(String name, int min, int max) {
        Object value = values.get(name);
        return value == null ? OptionalInt.empty() : OptionalInt.of(integer(value, path(name), min, max));
    }

    public OptionalLong findLong(String name) {
        Object value = values.get(name);
        if (value == null) {
            return OptionalLong.empty();
        }
        if (value instanceof Long number) {
            return OptionalLong.of(number);
        }
        throw wrong(name, "an integer of 64 bits");
    }

    /// The elements of an array of at most `lengthMax`; empty when there is none.
    public List<?> list(String name, int lengthMax) {
        Object value = values.get(name);
        if (value == null) {
            return List.of();
        }
        if (!(value instanceof List<?> list)) {
            throw wrong(name, "an array");
        }
        if (list.size() > lengthMax) {
            throw InvalidRequest.param(
                    path(name), path(name) + ": at most " + lengthMax + " elements expected, found " + list.size());
        }
        return list;
    }

    /// The object at `name`, or one without fields.
    public Fields object(String name) {
        Object value = values.get(name);
        return of(value == null ? Map.of() : value, path(name));
    }

    /// A failure that says what `name` should have been.
    public InvalidRequest wrong(String name, String expected) {
        return wrong(path(name), expected, values.get(name));
    }

    /// A failure for a required field that is not there.
    public InvalidRequest missing(String name, String expected) {
        return InvalidRequest.param(
                path(name), "missing_required_parameter", path(name) + ": " + expected + " expected, found nothing");
    }

    /// A failure about the value found at `path`.
    public static InvalidRequest wrong(String path, String expected, @Nullable Object found) {
        return InvalidRequest.param(
                path, "invalid_type", path + ": " + expected + " expected, found " + describe(found));
    }

    /// `value` as an integer in `[min, max]`; a number with a zero fraction counts as one, for JavaScript's
    /// sake.
    public static int integer(@Nullable Object value, String path, int min, int max) {
        double number = switch (value) {
            case Long whole when whole >= min && whole <= max -> whole;
            case Double real when real == Math.rint(real) && real >= min && real <= max -> real;
            case null, default -> Double.NaN;
        };
        if (Double.isNaN(number)) {
            String code = value instanceof Number ? "invalid_value" : "invalid_type";
            throw InvalidRequest.param(
                    path, code, path + ": an integer in " + min + ".." + max + " expected, found " + describe(value));
        }
        return (int) number;
    }

    /// The elements of `list` as token ids below `vocabSize`.
    public static int[] ids(List<?> list, String path, int vocabSize) {
        int[] ids = new int[list.size()];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = list.get(i) instanceof Long id && id >= 0 && id < vocabSize
                    ? Math.toIntExact(id)
                    : integer(list.get(i), path + "[" + i + "]", 0, vocabSize - 1);
        }
        return ids;
    }

    private static String describe(@Nullable Object found) {
        return switch (found) {
            case null -> "null";
            case String string -> "a string (" + shown('"' + string + '"') + ")";
            case Number number -> "a number (" + shown(number.toString()) + ")";
            case Boolean flag -> flag.toString();
            case List<?> list -> "an array of " + list.size();
            case Map<?, ?> map -> "an object with " + map.size() + " fields";
            default -> "a value";
        };
    }

    private static String shown(String text) {
        return text.length() <= SHOWN_LENGTH_MAX ? text : text.substring(0, SHOWN_LENGTH_MAX) + "...";
    }
}
