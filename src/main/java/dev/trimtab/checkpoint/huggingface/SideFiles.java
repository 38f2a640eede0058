package dev.trimtab.checkpoint.huggingface;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import dev.trimtab.checkpoint.JsonFile;
import dev.trimtab.checkpoint.Metadata;
import dev.trimtab.checkpoint.MetadataValue;
import dev.trimtab.checkpoint.ValueType;
import java.io.IOException;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Turns `tokenizer_config.json` and `generation_config.json` into GGUF's keys.
final class SideFiles {
    static final String TEMPLATE = "tokenizer.chat_template";

    /// Where a template of several is the one for plain chats.
    private static final String DEFAULT_TEMPLATE = "default";

    /// The names of `generation_config.json` and what GGUF calls them.
    private static final Map<String, String> SAMPLING = Map.of(
            "temperature", "general.sampling.temp",
            "top_k", "general.sampling.top_k",
            "top_p", "general.sampling.top_p",
            "min_p", "general.sampling.min_p",
            "repetition_penalty", "general.sampling.penalty_repeat");

    private SideFiles() {}

    /// The ids at which generation stops, all of them, and the sampling that the makers advise, none where they
    /// say not to sample (`do_sample` false).
    static void generation(Metadata config, Map<String, MetadataValue> values) {
        config.find("eos_token_id").ifPresent(value -> {
            long[] ids = value instanceof MetadataValue.Wholes
                    ? config.integers("eos_token_id")
                    : new long[] {config.integer("eos_token_id")};
            long[] present = Arrays.stream(ids).filter(id -> id >= 0).toArray();
            values.put("trimtab.tokenizer.end_ids", new MetadataValue.Wholes(ValueType.INT64, present));
        });
        if (config.flag("do_sample", true)) {
            SAMPLING.forEach((name, key) -> {
                if (config.contains(name)) {
                    values.put(key, new MetadataValue.Real(ValueType.FLOAT64, config.number(name)));
                }
            });
        }
    }

    /// The chat template, the texts of special tokens, and whether they are added. `bytes` is the file that
    /// `config` was flattened from.
    static void tokenizer(Metadata config, byte[] bytes, Map<String, MetadataValue> values) {
        template(config, bytes).ifPresent(text -> values.put(TEMPLATE, new MetadataValue.Text(text)));
        for (String name : List.of("bos", "eos")) {
            String adds = "add_" + name + "_token";
            if (config.contains(adds)) {
                values.put("tokenizer.ggml." + adds, new MetadataValue.Flag(config.flag(adds, false)));
            }
        }
        Map.of("bos_token", "bos", "eos_token", "eos", "pad_token", "padding").forEach((key, name) -> {
            String path = config.contains(key + ".content") ? key + ".content" : key;
            if (config.contains(path)) {
                values.put("tokenizer.huggingface." + name + "_token", new MetadataValue.Text(config.string(path)));
            }
        });
    }

    /// One text, or a list of names and texts.
    private static Optional<String> template(Metadata config, byte[] bytes) {
        if (config.contains("chat_template")) {
            return Optional.of(config.string("chat_template"));
        }
        Map<String, String> named = JsonFile.parse(config.source(), bytes, parser -> templates(config, parser));
        return Optional.ofNullable(named.get(DEFAULT_TEMPLATE))
                .or(() -> named.values().stream().findFirst());
    }

    private static Map<String, String> templates(Metadata config, JsonParser parser) throws IOException {
        Map<String, String> templates = new LinkedHashMap<>();
        while (parser.nextToken() != JsonToken.END_OBJECT) {
            boolean wanted = parser.currentName().equals("chat_template");
            if (parser.nextToken() != JsonToken.START_ARRAY || !wanted) {
                parser.skipChildren();
                continue;
            }
            while (parser.nextToken() != JsonToken.END_ARRAY) {
                JsonFile.expect(config.source(), "chat_template", JsonToken.START_OBJECT, parser.currentToken());
                String name = DEFAULT_TEMPLATE;
                String text = "";
                while (parser.nextToken() != JsonToken.END_OBJECT) {
                    String key = parser.currentName();
                    JsonFile.expect(config.source(), "chat_template", JsonToken.VALUE_STRING, parser.nextToken());
                    name = key.equals("name") ? parser.getText() : name;
                    text = key.equals("template") ? parser.getText() : text;
                }
                templates.put(name, text);
            }
        }
        return templates;
    }
}
