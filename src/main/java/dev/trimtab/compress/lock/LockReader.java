package dev.trimtab.compress.lock;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import dev.trimtab.checkpoint.coupling.Keep;
import dev.trimtab.checkpoint.coupling.Removal;
import dev.trimtab.checkpoint.coupling.Removal.LayerKeep;
import dev.trimtab.error.BadConfiguration;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;

/// Reads the JSON of a [LockFile], token by token; everything that is not as it would be written is refused with
/// line and column.
final class LockReader {
    static final String ALL = "all";
    static final String NONE = "none";

    private static final Pattern DIGEST = Pattern.compile("[0-9a-f]{64}");

    /// The lists of an expert's neurons are the deepest: 5.
    private static final int DEPTH_MAX = 8;

    /// A rule is as long as its entry in a recipe.
    private static final int STRING_LENGTH_MAX = 1 << 20;

    private static final JsonFactory FACTORY = JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxNestingDepth(DEPTH_MAX)
                    .maxStringLength(STRING_LENGTH_MAX)
                    .build())
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .build();

    private final String source;
    private final JsonParser parser;

    private LockReader(String source, JsonParser parser) {
        this.source = source;
        this.parser = parser;
    }

    /// Reads the value of one key, at which the parser stands.
    @FunctionalInterface
    private interface Value {
        Object read() throws IOException;
    }

    /// @throws BadConfiguration naming the place
    static Lock read(String source, byte[] json) {
        try (JsonParser parser = FACTORY.createParser(json)) {
            LockReader reader = new LockReader(source, parser);
            parser.nextToken();
            Lock lock = reader.lock();
            if (parser.nextToken() != null) {
                throw reader.refused("nothing behind the lock");
            }
            return lock;
        } catch (JsonProcessingException e) {
            JsonLocation location = e.getLocation();
            throw new BadConfiguration(
                    source + ":" + (location == null ? "" : place(location)) + " no lock: " + e.getOriginalMessage());
        } catch (IOException e) {
            throw new BadConfiguration(source + ": no lock: " + e.getMessage());
        }
    }

    private Lock lock() throws IOException {
        Map<String, Value> keys = new LinkedHashMap<>();
        keys.put("version", () -> number(LockFile.VERSION, LockFile.VERSION));
        keys.put("recipe", this::digest);
        keys.put("source", this::digest);
        keys.put("statistics", this::digest);
        keys.put("seed", () -> number(Long.MIN_VALUE, Long.MAX_VALUE));
        keys.put("removal", this::removal);
        keys.put("metrics", this::metrics);
        keys.put("tensors", () -> list(this::entry));
        Read read = object(keys, Set.of("statistics", "removal", "metrics"));
        Lock.Inputs inputs = new Lock.Inputs(
                read.text("recipe"), read.text("source"), read.optionalText("statistics"), read.number("seed"));
        try {
            return new Lock(inputs, read.removal(), read.entries(), read.metrics());
        } catch (BadConfiguration e) {
            throw new BadConfiguration(source + ": " + e.getMessage());
        }
    }

    private Removal removal() throws IOException {
        Read read = object(Map.of("tokens", this::keep, "layers", () -> list(this::layer)), Set.of());
        return new Removal(read.layers(), read.keep("tokens"));
    }

    private LayerKeep layer() throws IOException {
        Read read = object(Map.of("groups", this::keep, "neurons", this::keep), Set.of());
        return new LayerKeep(read.keep("groups"), read.keep("neurons"));
    }

    private Keep keep() throws IOException {
        if (parser.currentToken() == JsonToken.VALUE_STRING) {
            return switch (parser.getText()) {
                case ALL -> Keep.all();
                case NONE -> Keep.none();
                default -> throw refused("all, none or lists of numbers");
            };
        }
        List<int[]> lists = list(this::numbers);
        if (lists.isEmpty() || lists.stream().anyMatch(list -> list.length != lists.getFirst().length)) {
            throw refused("one list of numbers, or several of the same length, before this");
        }
        return new Keep.Some(lists);
    }

    /// Ascending, at least one.
    private int[] numbers() throws IOException {
        int[] numbers = list(() -> Math.toIntExact(number(0, Integer.MAX_VALUE))).stream()
                .mapToInt(Integer::intValue)
                .toArray();
        for (int i = 1; i < numbers.length; i++) {
            if (numbers[i] <= numbers[i - 1]) {
                throw refused("ascending numbers before this");
            }
        }
        if (numbers.length == 0) {
            throw refused("at least one number before this");
        }
        return numbers;
    }

    private Map<String, Double> metrics() throws IOException {
        expect(JsonToken.START_OBJECT, "an object");
        Map<String, Double> metrics = new TreeMap<>();
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
            String name = parser.currentName();
            if (!parser.nextToken().isNumeric()) {
                throw refused("a number");
            }
            metrics.put(name, parser.getDoubleValue());
        }
        return metrics;
    }

    private Lock.Entry entry() throws IOException {
        Map<String, Value> keys = new LinkedHashMap<>();
        keys.put("name", this::text);
        keys.put("rule", this::text);
        keys.put("form", this::text);
        keys.put("bytes", () -> number(0, Long.MAX_VALUE));
        keys.put("rank", () -> number(1, Integer.MAX_VALUE));
        keys.put("address", this::digest);
        Read read = object(keys, Set.of("rank"));
        return new Lock.Entry(
                read.text("name"),
                read.text("rule"),
                read.text("form"),
                read.number("bytes"),
                read.optionalInteger("rank"),
                read.text("address"));
    }

    /// The object at which the parser stands, with exactly `keys`, of which `optional` may be missing.
    private Read object(Map<String, Value> keys, Set<String> optional) throws IOException {
        expect(JsonToken.START_OBJECT, "an object");
        Map<String, Object> values = new LinkedHashMap<>();
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
            Value value = keys.get(parser.currentName());
            if (value == null) {
                throw refused("one of " + new TreeSet<>(keys.keySet()) + ", not `" + parser.currentName() + "`,");
            }
            String name = parser.currentName();
            parser.nextToken();
            values.put(name, value.read());
        }
        Set<String> missing = new TreeSet<>(keys.keySet());
        missing.removeAll(values.keySet());
        missing.removeAll(optional);
        if (!missing.isEmpty()) {
            throw refused(missing + " before this");
        }
        return new Read(values);
    }

    /// Reads one element, at which the parser stands.
    @FunctionalInterface
    private interface Element<T> {
        T read() throws IOException;
    }

    private <T> List<T> list(Element<T> element) throws IOException {
        expect(JsonToken.START_ARRAY, "an array");
        List<T> list = new ArrayList<>();
        while (parser.nextToken() != JsonToken.END_ARRAY) {
            list.add(element.read());
        }
        return list;
    }

    private String text() throws IOException {
        expect(JsonToken.VALUE_STRING, "a string");
        return parser.getText();
    }

    private String digest() throws IOException {
        String text = text();
        if (!DIGEST.matcher(text).matches()) {
            throw refused("64 hexadecimal digits");
        }
        return text;
    }

    private long number(long min, long max) throws IOException {
        expect(JsonToken.VALUE_NUMBER_INT, "a whole number");
        boolean fits = parser.getNumberType() != JsonParser.NumberType.BIG_INTEGER;
        if (!fits || parser.getLongValue() < min || parser.getLongValue() > max) {
            throw refused("a number in " + min + ".." + max);
        }
        return parser.getLongValue();
    }

    private void expect(JsonToken token, String what) {
        if (parser.currentToken() != token) {
            throw refused(what);
        }
    }

    private BadConfiguration refused(String expected) {
        return new BadConfiguration(
                source + ":" + place(parser.currentTokenLocation()) + " no lock: " + expected + " expected");
    }

    private static String place(JsonLocation location) {
        return location.getLineNr() + ":" + location.getColumnNr() + ":";
    }

    /// The values of an object, whose types its keys' readers have checked.
    private record Read(Map<String, Object> values) {
        private <T> Optional<T> optional(String key, Class<T> type) {
            return Optional.ofNullable(values.get(key)).map(type::cast);
        }

        String text(String key) {
            return optionalText(key).orElseThrow();
        }

        Optional<String> optionalText(String key) {
            return optional(key, String.class);
        }

        long number(String key) {
            return optional(key, Long.class).orElseThrow();
        }

        OptionalInt optionalInteger(String key) {
            return optional(key, Long.class).stream().mapToInt(Math::toIntExact).findFirst();
        }

        Keep keep(String key) {
            return optional(key, Keep.class).orElseThrow();
        }

        Optional<Removal> removal() {
            return optional("removal", Removal.class);
        }

        List<LayerKeep> layers() {
            return elements("layers", LayerKeep.class);
        }

        List<Lock.Entry> entries() {
            return elements("tensors", Lock.Entry.class);
        }

        private <T> List<T> elements(String key, Class<T> type) {
            return values.get(key) instanceof List<?> list
                    ? list.stream().<T>map(type::cast).toList()
                    : List.of();
        }

        Map<String, Double> metrics() {
            Map<String, Double> metrics = new TreeMap<>();
            if (values.get("metrics") instanceof Map<?, ?> found) {
                found.forEach((name, value) -> metrics.put((String) name, (Double) value));
            }
            return metrics;
        }
    }
}
