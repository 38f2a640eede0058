package dev.trimtab.compress.recipe;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.fasterxml.jackson.dataformat.yaml.YAMLParser;
import dev.trimtab.compress.recipe.YamlValue.Listing;
import dev.trimtab.compress.recipe.YamlValue.Mapping;
import dev.trimtab.compress.recipe.YamlValue.Scalar;
import dev.trimtab.error.BadConfiguration;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Reads YAML (and so JSON) token by token within limits. Anchors and aliases are refused: nothing in a recipe
/// needs them, and they are how a small file unfolds into a large one.
final class YamlReader {
    /// A recipe is a page; one entry for each of ten thousand tensors still fits.
    static final int SIZE_MAX = 1 << 20;

    /// The schema nests five deep.
    private static final int DEPTH_MAX = 16;

    private static final int VALUES_MAX = 50_000;

    private static final YAMLFactory FACTORY = YAMLFactory.builder().build();

    private final String source;
    private final YAMLParser parser;
    private int values;
    private int depth;

    private YamlReader(String source, YAMLParser parser) {
        this.source = source;
        this.parser = parser;
    }

    /// The one document in `text`; `source` names it in messages.
    ///
    /// @throws BadConfiguration with the line where it is no YAML, or over a limit
    static YamlValue read(String source, String text) {
        if (text.length() > SIZE_MAX) {
            throw new BadConfiguration(
                    source + ": at most " + SIZE_MAX + " characters expected, found " + text.length());
        }
        try (YAMLParser parser = FACTORY.createParser(text)) {
            YamlReader reader = new YamlReader(source, parser);
            YamlValue value = reader.value(parser.nextToken());
            if (parser.nextToken() != null) {
                throw reader.refused("one document expected, found more");
            }
            return value;
        } catch (JsonProcessingException e) {
            int line = e.getLocation() == null ? 1 : e.getLocation().getLineNr();
            throw new BadConfiguration(source + ":" + line + ": no YAML: " + firstLine(e.getOriginalMessage()));
        } catch (IOException e) {
            throw new BadConfiguration(source + ": no YAML: " + firstLine(e.getMessage()));
        }
    }

    private YamlValue value(@Nullable JsonToken token) throws IOException {
        if (token == null) {
            throw refused("a mapping expected, found nothing");
        }
        values++;
        if (values > VALUES_MAX) {
            throw refused("at most " + VALUES_MAX + " values expected");
        }
        if (parser.isCurrentAlias() || parser.getObjectId() != null) {
            throw refused("anchors and aliases (& and *) are not part of a recipe; quote a name that begins with one");
        }
        int line = line();
        return switch (token) {
            case START_OBJECT -> mapping(line);
            case START_ARRAY -> listing(line);
            case VALUE_NULL -> new Scalar("", line);
            default -> new Scalar(parser.getText(), line);
        };
    }

    private Mapping mapping(int line) throws IOException {
        enter();
        Map<String, YamlValue> entries = new LinkedHashMap<>();
        while (parser.nextToken() != JsonToken.END_OBJECT) {
            String key = parser.currentName();
            if (entries.put(key, value(parser.nextToken())) != null) {
                throw refused("`" + key + "` stands here twice");
            }
        }
        depth--;
        return new Mapping(entries, line);
    }

    private Listing listing(int line) throws IOException {
        enter();
        List<YamlValue> items = new ArrayList<>();
        for (JsonToken token = parser.nextToken(); token != JsonToken.END_ARRAY; token = parser.nextToken()) {
            items.add(value(token));
        }
        depth--;
        return new Listing(items, line);
    }

    private void enter() {
        depth++;
        if (depth > DEPTH_MAX) {
            throw refused("values at most " + DEPTH_MAX + " deep expected");
        }
    }

    private int line() {
        return Math.max(1, parser.currentTokenLocation().getLineNr());
    }

    private BadConfiguration refused(String what) {
        return new BadConfiguration(source + ":" + line() + ": " + what);
    }

    private static String firstLine(@Nullable String message) {
        return String.valueOf(message).lines().findFirst().orElse("");
    }
}
