package dev.trimtab.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.trimtab.SharedData;
import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.checkpoint.Metadata;
import dev.trimtab.checkpoint.MetadataValue;
import dev.trimtab.checkpoint.ValueType;
import dev.trimtab.checkpoint.huggingface.SentencePieceModel;
import dev.trimtab.tokenizer.text.ByteAlphabet;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.ref.SoftReference;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;

/// Tokenizers of the conformance data, from whichever files a model comes with.
final class Vocabularies {
    private static final int CONTROL = 3;
    private static final int USER_DEFINED = 4;

    private static final Map<String, SoftReference<Tokenizer>> MADE = new ConcurrentHashMap<>();

    private Vocabularies() {}

    /// The tokenizer called `name`, made once for several tests as long as memory allows.
    private static Tokenizer cached(String name, Supplier<Tokenizer> source) {
        SoftReference<Tokenizer> reference = MADE.get(name);
        Tokenizer tokenizer = reference == null ? null : reference.get();
        if (tokenizer == null) {
            tokenizer = source.get();
            MADE.put(name, new SoftReference<>(tokenizer));
        }
        return tokenizer;
    }

    /// From a GGUF file.
    static Tokenizer gguf(String relative) {
        return cached(relative, () -> {
            try (Checkpoint checkpoint = Checkpoint.open(SharedData.path(relative))) {
                return Tokenizer.of(checkpoint.metadata());
            }
        });
    }

    /// Llama 3 from its `encoder.json` and `vocab.bpe`, and what its configuration says of BOS and EOS.
    static Tokenizer llama3() {
        return cached("llama3", Vocabularies::makeLlama3);
    }

    private static Tokenizer makeLlama3() {
        Map<String, Integer> ids = json(SharedData.path("vectors/tokenizers/llama3/encoder.json"));
        ids.put("<|begin_of_text|>", 128000);
        ids.put("<|end_of_text|>", 128001);
        Map<String, MetadataValue> values = byteLevel(
                "llama-bpe",
                ids,
                merges("vectors/tokenizers/llama3/vocab.bpe"),
                Map.of(128000, CONTROL, 128001, CONTROL));
        values.put("tokenizer.ggml.bos_token_id", new MetadataValue.Whole(ValueType.UINT32, 128000));
        values.put("tokenizer.ggml.eos_token_id", new MetadataValue.Whole(ValueType.UINT32, 128001));
        return tokenizer(values);
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
        return tokenizer(byteLevel(preTokenizer, ids, merges("vectors/tokenizers/qwen2.5/merges.txt"), types));
    }

    static Tokenizer tokenizer(Map<String, MetadataValue> values) {
        return Tokenizer.of(new Metadata("test", values));
    }

    /// Metadata of a byte-level tokenizer; `types` names those of tokens that are not ordinary.
    static Map<String, MetadataValue> byteLevel(
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
        return values;
    }

    /// From tiktoken's ranks: every way to put a token together from two others is a merge of its rank.
    static Tokenizer tiktoken(String preTokenizer, String relative) {
        return cached(relative, () -> makeTiktoken(preTokenizer, relative));
    }

    private static Tokenizer makeTiktoken(String preTokenizer, String relative) {
        Map<String, Integer> ids = new LinkedHashMap<>();
        for (String line : text(SharedData.path(relative)).lines().toList()) {
            int space = line.indexOf(' ');
            if (space > 0) {
                byte[] bytes = Base64.getDecoder().decode(line.substring(0, space));
                StringBuilder piece = new StringBuilder();
                for (byte value : bytes) {
                    piece.append(ByteAlphabet.piece(value & 0xFF));
                }
                ids.put(piece.toString(), Integer.parseInt(line.substring(space + 1)));
            }
        }
        List<String> merges = new ArrayList<>();
        ids.forEach((piece, id) -> {
            for (int i = 1; i < piece.length(); i++) {
                if (ids.containsKey(piece.substring(0, i)) && ids.containsKey(piece.substring(i))) {
                    merges.add(piece.substring(0, i) + " " + piece.substring(i));
                }
            }
        });
        return tokenizer(byteLevel(preTokenizer, ids, merges, Map.of()));
    }

    /// From a SentencePiece model.
    static Tokenizer sentencePiece(String relative) {
        return cached(relative, () -> tokenizer(SentencePieceModel.read(relative, bytes(SharedData.path(relative)))));
    }

    /// From a `tokenizer.json`.
    static Tokenizer huggingFace(Path path) {
        return cached(path.toString(), () -> huggingFace(text(path)));
    }

    static Tokenizer huggingFace(String json) {
        return tokenizer(Map.of("tokenizer.huggingface.json", new MetadataValue.Text(json)));
    }

    private static byte[] bytes(Path path) {
        try {
            return Files.readAllBytes(path);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
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
