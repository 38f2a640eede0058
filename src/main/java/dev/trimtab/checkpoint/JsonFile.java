package dev.trimtab.checkpoint;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import dev.trimtab.error.BadCheckpoint;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// JSON from a checkpoint, read token by token within limits; whatever is wrong with it is [BadCheckpoint].
///
/// [#flatten] makes a small file (`config.json`) into [Metadata], so that its look-ups are typed and checked
/// like any other: `{"a": {"b": 1}}` is the pair `a.b`. Nulls count as absent; arrays that no
/// [MetadataValue.Array] can hold (of objects, or mixed) are left out.
public final class JsonFile {
    /// Configurations nest two or three deep.
    private static final int DEPTH_MAX = 32;

    private static final JsonFactory FACTORY = JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxNestingDepth(DEPTH_MAX)
                    .maxStringLength(GgufValues.STRING_BYTES_MAX)
                    .build())
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
            .build();

    private JsonFile() {}

    /// Reads from a parser that stands at the first token.
    @FunctionalInterface
    public interface Reading<T> {
        T read(JsonParser parser) throws IOException;
    }

    /// Parses `bytes`, one JSON object and nothing after it but space; duplicate keys are refused.
    public static <T> T parse(String source, byte[] bytes, Reading<T> reading) {
        try (JsonParser parser = FACTORY.createParser(bytes)) {
            expect(source, "JSON", JsonToken.START_OBJECT, parser.nextToken());
            T read = reading.read(parser);
            if (parser.nextToken() != null) {
                throw BadCheckpoint.mismatch(source + ": JSON", "one object", "more after it");
            }
            return read;
        } catch (IOException e) {
            throw new BadCheckpoint(source + ": not JSON: " + firstLine(e), e);
        }
    }

    /// All values of the object in `bytes` by their paths.
    public static Metadata flatten(String source, byte[] bytes) {
        Map<String, MetadataValue> values = new LinkedHashMap<>();
        parse(source, bytes, parser -> {
            object(parser, "", values);
            return values;
        });
        return new Metadata(source, values);
    }

    public static void expect(String source, String what, JsonToken expected, @Nullable JsonToken found) {
        if (found != expected) {
            throw BadCheckpoint.mismatch(source + ": " + what, expected, found == null ? "the end" : found);
        }
    }

    private static void object(JsonParser parser, String prefix, Map<String, MetadataValue> values) throws IOException {
        while (parser.nextToken() != JsonToken.END_OBJECT) {
            String path = prefix + parser.currentName();
            switch (parser.nextToken()) {
                case START_OBJECT -> object(parser, path + ".", values);
                case START_ARRAY -> array(parser, path, values);
                case VALUE_NULL -> {}
                default -> values.put(path, scalar(parser));
            }
        }
    }

    private static void array(JsonParser parser, String path, Map<String, MetadataValue> values) throws IOException {
        List<MetadataValue> elements = new ArrayList<>();
        boolean flat = true;
        while (parser.nextToken() != JsonToken.END_ARRAY) {
            if (parser.currentToken().isScalarValue() && parser.currentToken() != JsonToken.VALUE_NULL) {
                elements.add(scalar(parser));
            } else {
                parser.skipChildren();
                flat = false;
            }
        }
        if (!flat) {
            return;
        }
        if (elements.stream().allMatch(MetadataValue.Text.class::isInstance)) {
            values.put(
                    path,
                    new MetadataValue.Texts(elements.stream()
                            .map(element -> ((MetadataValue.Text) element).text())
                            .toList()));
        } else if (elements.stream().allMatch(MetadataValue.Whole.class::isInstance)) {
            values.put(
                    path,
                    new MetadataValue.Wholes(
                            ValueType.INT64,
                            elements.stream()
                                    .mapToLong(element -> ((MetadataValue.Whole) element).value())
                                    .toArray()));
        } else if (elements.stream().allMatch(JsonFile::isNumber)) {
            values.put(
                    path,
                    new MetadataValue.Reals(
                            ValueType.FLOAT64,
                            elements.stream().mapToDouble(JsonFile::number).toArray()));
        }
    }

    private static MetadataValue scalar(JsonParser parser) throws IOException {
        return switch (parser.currentToken()) {
            case VALUE_TRUE, VALUE_FALSE -> new MetadataValue.Flag(parser.getBooleanValue());
            case VALUE_NUMBER_FLOAT -> new MetadataValue.Real(ValueType.FLOAT64, parser.getDoubleValue());
            case VALUE_NUMBER_INT ->
                parser.getNumberType() == JsonParser.NumberType.BIG_INTEGER
                        ? new MetadataValue.Real(ValueType.FLOAT64, parser.getDoubleValue())
                        : new MetadataValue.Whole(ValueType.INT64, parser.getLongValue());
            default -> new MetadataValue.Text(parser.getText());
        };
    }

    private static boolean isNumber(MetadataValue value) {
        return value instanceof MetadataValue.Whole || value instanceof MetadataValue.Real;
    }

    private static double number(MetadataValue value) {
        return value instanceof MetadataValue.Whole whole ? whole.value() : ((MetadataValue.Real) value).value();
    }

    private static String firstLine(IOException e) {
        return String.valueOf(e.getMessage()).lines().findFirst().orElse("");
    }
}
