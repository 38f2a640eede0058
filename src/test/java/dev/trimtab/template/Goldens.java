package dev.trimtab.template;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/// The files under `src/test/resources/template`; see `PROVENANCE.md` there.
final class Goldens {
    static final ObjectMapper JSON = new ObjectMapper();

    /// The time at which Python rendered the goldens.
    static final Clock CLOCK = Clock.fixed(Instant.parse("2025-07-10T12:00:00Z"), ZoneOffset.UTC);

    private Goldens() {}

    static JsonNode json(String name) {
        try {
            return JSON.readTree(text(name));
        } catch (JacksonException e) {
            throw new UncheckedIOException(e);
        }
    }

    static String template(String name) {
        return text("templates/" + name + ".jinja");
    }

    private static String text(String name) {
        try (InputStream file = Goldens.class.getResourceAsStream("/template/" + name)) {
            return new String(Objects.requireNonNull(file, name).readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// A JSON object as the context of a rendering.
    static Map<String, Object> context(JsonNode node) {
        Map<String, Object> context = new LinkedHashMap<>();
        node.properties()
                .forEach(entry -> context.put(entry.getKey(), JSON.convertValue(entry.getValue(), Object.class)));
        return context;
    }
}
