package dev.trimtab.compress.export;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import dev.trimtab.checkpoint.JsonFile;
import dev.trimtab.checkpoint.Metadata;
import dev.trimtab.error.Internal;
import dev.trimtab.error.Unsupported;
import dev.trimtab.tensor.Shape;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// A `config.json` for a model as it has become: the source's with other sizes, or, where the source was no folder,
/// one made from GGUF's keys.
final class ConfigFile {
    private static final JsonFactory JSON = new JsonFactory();

    /// The weights are stored plain from now on.
    private static final String QUANTIZATION = "quantization_config";

    /// Lists that have an entry for each layer.
    private static final List<String> LAYER_LISTS = List.of("layer_types", "no_rope_layers");

    private static final Map<String, String> CLASSES =
            Map.of("llama", "LlamaForCausalLM", "qwen2", "Qwen2ForCausalLM", "qwen3", "Qwen3ForCausalLM");

    private final Metadata metadata;
    private final Map<String, Shape> shapes;
    private final String architecture;

    ConfigFile(Metadata metadata, Map<String, Shape> shapes) {
        this.metadata = metadata;
        this.shapes = shapes;
        this.architecture = metadata.string("general.architecture");
    }

    /// The file's bytes; `source` is the folder that the model came from.
    ///
    /// @throws Unsupported where GGUF's keys say what this does not turn back, or layers that the source lists were
    ///     dropped
    byte[] write(Optional<Path> source) throws IOException {
        var bytes = new ByteArrayOutputStream();
        try (JsonGenerator json = JSON.createGenerator(bytes).useDefaultPrettyPrinter()) {
            json.writeStartObject();
            Map<String, Object> rest = sizes();
            if (source.isPresent()) {
                copy(source.get().resolve("config.json"), rest, json);
            } else {
                rest.putAll(family());
            }
            for (Map.Entry<String, Object> field : rest.entrySet()) {
                json.writeFieldName(field.getKey());
                value(json, field.getValue());
            }
            json.writeEndObject();
        }
        return bytes.toByteArray();
    }

    /// Copies the fields of `file`; those of `changed` with their new values, and takes them out of it.
    private void copy(Path file, Map<String, Object> changed, JsonGenerator json) throws IOException {
        byte[] original = Files.readAllBytes(file);
        Metadata config = JsonFile.flatten(file.toString(), original);
        boolean dropped = config.integer("num_hidden_layers") != layers();
        for (String list : LAYER_LISTS) {
            if (dropped && config.contains(list)) {
                throw new Unsupported(file + ": layers were dropped, of which " + list + " says what each is; write a"
                        + " .gguf instead");
            }
        }
        try (JsonParser parser = JSON.createParser(original)) {
            parser.nextToken();
            while (parser.nextToken() != JsonToken.END_OBJECT) {
                String field = parser.currentName();
                parser.nextToken();
                if (field.equals(QUANTIZATION)) {
                    parser.skipChildren();
                    continue;
                }
                json.writeFieldName(field);
                Object value = changed.remove(field);
                if (value == null) {
                    json.copyCurrentStructure(parser);
                } else {
                    parser.skipChildren();
                    value(json, value);
                }
            }
        }
    }

    private static void value(JsonGenerator json, Object value) throws IOException {
        switch (value) {
            case String text -> json.writeString(text);
            case Boolean flag -> json.writeBoolean(flag);
            case Double number -> json.writeNumber(number);
            case Long number -> json.writeNumber(number);
            case List<?> texts -> {
                json.writeStartArray();
                for (Object text : texts) {
                    value(json, text);
                }
                json.writeEndArray();
            }
            default -> throw new Internal("config.json: no such value: " + value);
        }
    }

    private long layers() {
        return metadata.integer(key("block_count"));
    }

    private Map<String, Object> sizes() {
        Map<String, Object> sizes = new LinkedHashMap<>();
        long heads = metadata.integer(key("attention.head_count"));
        long hidden = metadata.integer(key("embedding_length"));
        sizes.put("hidden_size", hidden);
        sizes.put("intermediate_size", metadata.integer(key("feed_forward_length")));
        sizes.put("num_hidden_layers", layers());
        sizes.put("num_attention_heads", heads);
        sizes.put("num_key_value_heads", whole("attention.head_count_kv", heads));
        sizes.put("head_dim", whole("attention.key_length", hidden / heads));
        sizes.put("vocab_size", vocabulary());
        sizes.put("tie_word_embeddings", !shapes.containsKey("output.weight"));
        return sizes;
    }

    private long vocabulary() {
        Shape embedding = shapes.get("token_embd.weight");
        if (embedding == null) {
            throw new Unsupported(metadata.source() + ": a model without token_embd.weight");
        }
        return embedding.rows();
    }

    private Map<String, Object> family() {
        boolean isScaled = shapes.containsKey("rope_freqs.weight")
                || !metadata.string(key("rope.scaling.type"), "none").equals("none")
                || metadata.contains(key("attention.sliding_window"));
        if (isScaled) {
            throw new Unsupported(metadata.source() + ": scaled rotations and windows of a GGUF file as config.json;"
                    + " begin with the model's own folder, or write a .gguf");
        }
        Map<String, Object> family = new LinkedHashMap<>();
        family.put("architectures", List.of(CLASSES.getOrDefault(architecture, "")));
        family.put("model_type", architecture);
        family.put("max_position_embeddings", metadata.integer(key("context_length")));
        family.put("rms_norm_eps", real("attention.layer_norm_rms_epsilon", 1e-5));
        family.put("rope_theta", real("rope.freq_base", 10_000));
        family.put("hidden_act", metadata.string(Metadata.HIDDEN_ACT, "silu"));
        family.put("attention_bias", shapes.containsKey("blk.0.attn_q.bias"));
        family.put("torch_dtype", "float16");
        for (String id : List.of("bos", "eos")) {
            String from = "tokenizer.ggml." + id + "_token_id";
            if (metadata.contains(from)) {
                family.put(id + "_token_id", metadata.integer(from));
            }
        }
        return family;
    }

    private long whole(String key, long fallback) {
        return metadata.contains(key(key)) ? metadata.integer(key(key)) : fallback;
    }

    /// The decimal number that the float was, as config.json would have it.
    private double real(String key, double fallback) {
        return metadata.contains(key(key))
                ? Double.parseDouble(Float.toString((float) metadata.number(key(key))))
                : fallback;
    }

    private String key(String name) {
        return architecture + "." + name;
    }
}
