package dev.trimtab.api.http;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import com.fasterxml.jackson.core.io.JsonEOFException;
import dev.trimtab.error.InvalidRequest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Untrusted JSON to plain values: `Map`, `List`, `String`, `Long` (`Double` beyond its range), `Double`,
/// `Boolean` and null. Keys keep their order, because templates print them.
///
/// Strict where leniency would let two readers of one body disagree: malformed UTF-8, a key given twice and
/// anything after the value are refused, each with its position.
public final class JsonReader {
    /// Tool schemas nest a dozen levels; a hundred leaves room and keeps recursion far from the stack's end.
    static final int DEPTH_MAX = 100;

    /// A field's name; tool schemas use property names as keys.
    static final int NAME_LENGTH_MAX = 1_000;

    /// A double needs 24 characters; more digits only cost time.
    static final int NUMBER_LENGTH_MAX = 100;

    /// Bounds the heap a body may turn into: a prompt of a million token ids, and some more.
    static final int TOKENS_MAX = 1_500_000;

    private static final JsonFactory FACTORY = JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxNestingDepth(DEPTH_MAX)
                    .maxNameLength(NAME_LENGTH_MAX)
                    .maxNumberLength(NUMBER_LENGTH_MAX)
                    .maxStringLength(Integer.MAX_VALUE) // the body's limit bounds it
                    .maxTokenCount(TOKENS_MAX)
                    .build())
            .configure(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES, false)
            .configure(JsonFactory.Feature.INTERN_FIELD_NAMES, false)
            .build();

    private JsonReader() {}

    /// The one value that `utf8` holds.
    ///
    /// @throws InvalidRequest naming line and column when it does not
    public static @Nullable Object read(byte[] utf8) {
        return read(decode(utf8));
    }

    /// As [#read(byte\[\])], from text.
    public static @Nullable Object read(String text) {
        try (JsonParser parser = FACTORY.createParser(text)) {
            if (parser.nextToken() == null) {
                throw InvalidRequest.of("the body is empty, a JSON object expected");
            }
            Object value = value(parser);
            if (parser.nextToken() != null) {
                throw refused(parser.currentTokenLocation(), "nothing expected after the first value");
            }
            return value;
        } catch (JsonProcessingException e) {
            throw refused(e.getLocation(), describe(e));
        } catch (IOException e) {
            throw new UncheckedIOException("a string cannot fail to be read", e);
        }
    }

    private static @Nullable Object value(JsonParser parser) throws IOException {
        return switch (parser.currentToken()) {
            case START_OBJECT -> object(parser);
            case START_ARRAY -> array(parser);
            case VALUE_STRING -> parser.getText();
            case VALUE_NUMBER_INT -> integer(parser);
            case VALUE_NUMBER_FLOAT -> parser.getDoubleValue();
            case VALUE_TRUE -> true;
            case VALUE_FALSE -> false;
            case VALUE_NULL -> null;
            case FIELD_NAME, END_OBJECT, END_ARRAY, VALUE_EMBEDDED_OBJECT, NOT_AVAILABLE ->
                throw refused(parser.currentTokenLocation(), "a value expected");
        };
    }

    private static Number integer(JsonParser parser) throws IOException {
        return switch (parser.getNumberType()) {
            case INT, LONG -> parser.getLongValue();
            case BIG_INTEGER, FLOAT, DOUBLE, BIG_DECIMAL -> parser.getDoubleValue();
        };
    }

    private static Map<String, @Nullable Object> object(JsonParser parser) throws IOException {
        Map<String, @Nullable Object> object = new LinkedHashMap<>();
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
            String name = parser.currentName();
            if (object.containsKey(name)) {
                throw refused(parser.currentTokenLocation(), "the field `" + name + "` is given twice");
            }
            parser.nextToken();
            object.put(name, value(parser));
        }
        return object;
    }

    private static List<@Nullable Object> array(JsonParser parser) throws IOException {
        List<@Nullable Object> array = new ArrayList<>();
        while (parser.nextToken() != JsonToken.END_ARRAY) {
            array.add(value(parser));
        }
        return array;
    }

    private static String decode(byte[] utf8) {
        String text = new String(utf8, StandardCharsets.UTF_8);
        if (text.indexOf('\uFFFD') >= 0) {
            refuseMalformed(utf8);
        }
        return text;
    }

    // Only reached when a replacement character appears: the sender's own, or one made from malformed bytes.
    private static void refuseMalformed(byte[] utf8) {
        ByteBuffer in = ByteBuffer.wrap(utf8);
        if (StandardCharsets.UTF_8
                .newDecoder()
                .decode(in, CharBuffer.allocate(utf8.length), true)
                .isError()) {
            throw InvalidRequest.of("the body is not valid UTF-8 at byte " + in.position());
        }
    }

    private static InvalidRequest refused(@Nullable JsonLocation location, String reason) {
        String where =
                location == null ? "" : " at line " + location.getLineNr() + ", column " + location.getColumnNr();
        return InvalidRequest.of("the body is not valid JSON" + where + ": " + reason);
    }

    // The library's sentences, less the parts that speak of its own settings.
    private static String describe(JsonProcessingException e) {
        if (e instanceof JsonEOFException) {
            return "it ends too early";
        }
        String message = e.getOriginalMessage();
        String end = e instanceof StreamConstraintsException ? ", from `" : " (start marker at";
        int cut = message.indexOf(end);
        String kept = cut < 0 ? message : message.substring(0, cut) + (end.startsWith(",") ? ")" : "");
        int line = kept.indexOf('\n');
        return line < 0 ? kept : kept.substring(0, line);
    }
}
