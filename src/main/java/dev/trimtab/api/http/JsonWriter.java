package dev.trimtab.api.http;

import io.vertx.core.buffer.Buffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collection;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// JSON as UTF-8 bytes in a buffer that is reused: one pass from text to wire, no intermediate tree or
/// string.
///
/// Commas are put where they belong by looking at the last byte, so that there is no state but the bytes.
/// Constant fragments go in as they are with [#raw(byte\[\])]. Belongs to one thread.
public final class JsonWriter {
    private static final byte[] HEX = "0123456789abcdef".getBytes(StandardCharsets.US_ASCII);

    private byte[] bytes;
    private int size;

    public JsonWriter(int capacityBytes) {
        this.bytes = new byte[capacityBytes];
    }

    /// The bytes of a constant fragment.
    public static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    /// `json` as bytes: maps, collections, strings, numbers, booleans and null.
    public static Buffer write(@Nullable Object json) {
        return new JsonWriter(1024).value(json).take();
    }

    public int sizeBytes() {
        return size;
    }

    public JsonWriter raw(byte[] fragment) {
        room(fragment.length);
        System.arraycopy(fragment, 0, bytes, size, fragment.length);
        size += fragment.length;
        return this;
    }

    public JsonWriter beginObject() {
        return comma().put('{');
    }

    public JsonWriter endObject() {
        return put('}');
    }

    public JsonWriter beginArray() {
        return comma().put('[');
    }

    public JsonWriter endArray() {
        return put(']');
    }

    public JsonWriter name(String name) {
        comma().quoted(name);
        return put(':');
    }

    public JsonWriter value(long number) {
        return comma().raw(ascii(Long.toString(number)));
    }

    /// Any value [#write] knows; others are written as their `toString`.
    public JsonWriter value(@Nullable Object json) {
        switch (json) {
            case null -> comma().raw(ascii("null"));
            case Boolean flag -> comma().raw(ascii(flag.toString()));
            case Double number when !Double.isFinite(number) -> comma().raw(ascii("null"));
            case Float number when !Float.isFinite(number) -> comma().raw(ascii("null"));
            case Number number -> comma().raw(ascii(number.toString()));
            case Map<?, ?> map -> {
                beginObject();
                map.forEach((key, value) -> name(String.valueOf(key)).value(value));
                endObject();
            }
            case Collection<?> collection -> {
                beginArray();
                collection.forEach(this::value);
                endArray();
            }
            default -> comma().quoted(json.toString());
        }
        return this;
    }

    /// What was written since the last call, as a buffer of its own.
    public Buffer take() {
        Buffer buffer = Buffer.buffer(size).appendBytes(bytes, 0, size);
        size = 0;
        return buffer;
    }

    /// `text` in quotes, with no comma before it. An unpaired surrogate is escaped, for UTF-8 cannot hold it.
    public JsonWriter quoted(String text) {
        int length = text.length();
        room(2 + 6 * length);
        byte[] out = bytes;
        int at = size;
        out[at++] = '"';
        for (int i = 0; i < length; i++) {
            char c = text.charAt(i);
            if (c >= 0x20 && c < 0x7F && c != '"' && c != '\\') {
                out[at++] = (byte) c;
            } else if (c < 0x80) {
                at = escape(out, at, c);
            } else if (c < 0x800) {
                out[at++] = (byte) (0xC0 | (c >> 6));
                out[at++] = (byte) (0x80 | (c & 0x3F));
            } else if (!Character.isSurrogate(c)) {
                out[at++] = (byte) (0xE0 | (c >> 12));
                out[at++] = (byte) (0x80 | ((c >> 6) & 0x3F));
                out[at++] = (byte) (0x80 | (c & 0x3F));
            } else if (Character.isHighSurrogate(c) && i + 1 < length && Character.isLowSurrogate(text.charAt(i + 1))) {
                at = supplementary(out, at, Character.toCodePoint(c, text.charAt(++i)));
            } else {
                at = unicodeEscape(out, at, c);
            }
        }
        out[at++] = '"';
        size = at;
        return this;
    }

    private static int supplementary(byte[] out, int at, int codePoint) {
        out[at] = (byte) (0xF0 | (codePoint >> 18));
        out[at + 1] = (byte) (0x80 | ((codePoint >> 12) & 0x3F));
        out[at + 2] = (byte) (0x80 | ((codePoint >> 6) & 0x3F));
        out[at + 3] = (byte) (0x80 | (codePoint & 0x3F));
        return at + 4;
    }

    private static int escape(byte[] out, int at, char c) {
        char letter = switch (c) {
            case '"', '\\' -> c;
            case '\n' -> 'n';
            case '\r' -> 'r';
            case '\t' -> 't';
            default -> 0;
        };
        if (letter == 0) {
            return unicodeEscape(out, at, c);
        }
        out[at] = '\\';
        out[at + 1] = (byte) letter;
        return at + 2;
    }

    private static int unicodeEscape(byte[] out, int at, char c) {
        out[at] = '\\';
        out[at + 1] = 'u';
        out[at + 2] = HEX[c >> 12];
        out[at + 3] = HEX[(c >> 8) & 0xF];
        out[at + 4] = HEX[(c >> 4) & 0xF];
        out[at + 5] = HEX[c & 0xF];
        return at + 6;
    }

    private JsonWriter comma() {
        if (size > 0) {
            byte last = bytes[size - 1];
            if (last != '{' && last != '[' && last != ':' && last != ' ' && last != '\n') {
                put(',');
            }
        }
        return this;
    }

    private JsonWriter put(char c) {
        room(1);
        bytes[size++] = (byte) c;
        return this;
    }

    private void room(int more) {
        if (bytes.length - size < more) {
            bytes = Arrays.copyOf(bytes, Math.max(Math.addExact(size, more), 2 * bytes.length));
        }
    }
}
