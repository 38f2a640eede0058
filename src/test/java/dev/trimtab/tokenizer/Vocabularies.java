package dev.trimtab.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.trimtab.SharedData;
import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.checkpoint.Metadata;
import dev.trimtab.checkpoint.MetadataValue;
import dev.trimtab.checkpoint.ValueType;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Tokenizers of the conformance data, from whichever files a model comes with.
final class Vocabularies {
    private static final int CONTROL = 3;
    private static final int USER_DEFINED = 4;

    private Vocabularies() {}

    /// From a GGUF file.
    static Tokenizer gguf(String relative) {
        try (Checkpoint checkpoint = Checkpoint.open(SharedData.path(relative))) {
            return Tokenizer.of(checkpoint.metadata());
        }
    }

    /// Llama 3 from its `encoder.json` and `vocab.bpe`.
    static Tokenizer llama3() {
        Map<String, Integer> ids = json(SharedData.path("vectors/tokenizers/llama3/encoder.json"));
        return byteLevel("llama-bpe", ids, merges("vectors/tokenizers/llama3/vocab.bpe"), Map.of());
    }

    /// Qwen 2.5 from its `vocab.json`, `merges.txt` and the added tokens of its configuration.
    static Tokenizer qwen2(String preTokenizer) {
        Map<String, Integer> ids = json(SharedData.path("vectors/tokenizers/qwen2.5/vocab.json"));
        Map<Integer, Integer> types = new LinkedHashMap<>();
        JsonNode added = tree(SharedData.path("vectors/tokenizers/qwen2.5/tokenizer_config.json"))
                .get("added_tokens_decoder");
        added.properties().forEach(entry -> {
            int id = Integer.parseInt(entry.getKey());
            ids.put(entry.getValue().get("content").asText(), id);
            types.put(id, entry.getValue().get("special").asBoolean() ? CONTROL : USER_DEFINED);
        });
        return byteLevel(preTokenizer, ids, merges("vectors/tokenizers/qwen2.5/merges.txt"), types);
    }

    /// A byte-level tokenizer; `types` names those of tokens that are not ordinary.
    static Tokenizer byteLevel(
            String preTokenizer, Map<String, Integer> ids, List<String> merges, Map<Integer, Integer> types) {
        int size = ids.values().stream().mapToInt(Integer::intValue).max().orElseThrow() + 1;
        List<String> pieces = new ArrayList<>();
        for (int id = 0; id < size; id++) {
            pieces.add("");
        }
        ids.forEach((piece, id) -> pieces.set(id, piece));
        long[] typeNumbers = new long[size];
        for (int id = 0; id < size; id++) {
            typeNumbers[id] = types.getOrDefault(id, 1);
        }
        Map<String, MetadataValue> values = new LinkedHashMap<>();
        values.put("tokenizer.ggml.model", new MetadataValue.Text("gpt2"));
        values.put("tokenizer.ggml.pre", new MetadataValue.Text(preTokenizer));
        values.put("tokenizer.ggml.tokens", new MetadataValue.Texts(pieces));
        values.put("tokenizer.ggml.merges", new MetadataValue.Texts(merges));
        values.put("tokenizer.ggml.token_type", new MetadataValue.Wholes(ValueType.INT32, typeNumbers));
        return Tokenizer.of(new Metadata("test", values));
    }

    static Map<String, Integer> json(Path path) {
        Map<String, Integer> ids = new LinkedHashMap<>();
        tree(path)
                .properties()
                .forEach(entry -> ids.put(entry.getKey(), entry.getValue().asInt()));
        return ids;
    }

    static JsonNode tree(Path path) {
        try {
            return new ObjectMapper().readTree(path.toFile());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static String text(Path path) {
        try {
            return Files.readString(path);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// The lines of a `merges.txt`, without its head.
    private static List<String> merges(String relative) {
        return text(SharedData.path(relative))
                .lines()
                .filter(line -> !line.startsWith("#version") && !line.isBlank())
                .toList();
    }
}
