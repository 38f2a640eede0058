package dev.trimtab.checkpoint.huggingface;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import dev.trimtab.checkpoint.Contents;
import dev.trimtab.checkpoint.JsonFile;
import dev.trimtab.checkpoint.Metadata;
import dev.trimtab.checkpoint.MetadataValue;
import dev.trimtab.checkpoint.io.MappedFiles;
import dev.trimtab.checkpoint.safetensors.SafetensorsReader;
import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;

/// Reads a model as Hugging Face lays it out, and gives it GGUF's keys and names:
///
/// 1. `config.json`: the architecture ([ConfigJson]).
/// 2. `model.safetensors`, or `model.safetensors.index.json` whose `weight_map` says which file holds which
///    tensor.
/// 3. `tokenizer.json`, whole, as the pair `tokenizer.huggingface.json` (a key of GGUF's own), or else
///    `tokenizer.model` ([SentencePieceModel]).
/// 4. `tokenizer_config.json`, `generation_config.json` and `chat_template.jinja` for the chat template, the
///    tokens that begin and end texts, and the sampling its makers advise ([SideFiles]).
///
/// Matrices stored quantized come out as [CompressedTensors] says.
///
/// Where the head is tied, whichever of the two matrices is stored is the embedding.
public final class ModelFolder {
    private static final String CONFIG = "config.json";
    private static final String SINGLE = "model.safetensors";
    private static final String INDEX = "model.safetensors.index.json";
    private static final String TOKENIZER = "tokenizer.json";
    private static final String TOKENIZER_CONFIG = "tokenizer_config.json";
    private static final String TEMPLATE = "chat_template.jinja";
    private static final String GENERATION_CONFIG = "generation_config.json";
    private static final String SENTENCE_PIECE = "tokenizer.model";

    private static final String EMBEDDING = "token_embd.weight";
    private static final String HEAD = "output.weight";

    /// The largest `tokenizer.json` known has about 35 MB, the largest index about 10 MB.
    private static final long SIDE_FILE_BYTES_MAX = 128L << 20;

    /// The largest releases have under 200 files of weights; each costs a mapping and an open file.
    private static final int SHARDS_MAX = 1024;

    private final Path folder;
    private final MappedFiles files;

    private ModelFolder(Path folder, MappedFiles files) {
        this.folder = folder;
        this.files = files;
    }

    /// Reads and checks the model in `folder`, mapping its weights through `files`.
    public static Contents read(Path folder, MappedFiles files) {
        return new ModelFolder(folder, files).read();
    }

    /// As [#read] for one file of weights, mapped already; what other files there are lie beside it.
    public static Contents readFile(Path file, MemorySegment bytes, MappedFiles files) {
        ModelFolder reader = new ModelFolder(file.resolveSibling(""), files);
        return reader.canonical(SafetensorsReader.read(file.toString(), bytes));
    }

    private Contents read() {
        if (Files.exists(folder.resolve(INDEX))) {
            return canonical(new Contents(new Metadata(folder.toString(), Map.of()), sharded()));
        }
        return canonical(shard(SINGLE));
    }

    private Contents shard(String name) {
        Path path = folder.resolve(name);
        return SafetensorsReader.read(path.toString(), files.map(path));
    }

    private Map<String, Tensor> sharded() {
        Map<String, String> weightMap = weightMap();
        Map<String, Contents> shards = new TreeMap<>();
        for (String name : weightMap.values()) {
            if (!shards.containsKey(name)) {
                checkShardName(name);
                shards.put(name, shard(name));
            }
            if (shards.size() > SHARDS_MAX) {
                throw BadCheckpoint.mismatch(folder + ": files of weights", "at most " + SHARDS_MAX, "more");
            }
        }
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        shards.forEach((name, shard) -> shard.tensors().forEach((tensorName, tensor) -> {
            if (name.equals(weightMap.get(tensorName))) {
                tensors.put(tensorName, tensor);
            }
        }));
        weightMap.forEach((tensorName, name) -> {
            if (!tensors.containsKey(tensorName)) {
                throw BadCheckpoint.mismatch(
                        folder.resolve(name) + ": tensor " + tensorName, "as the index says", "none");
            }
        });
        return tensors;
    }

    /// A shard is a file of this folder: an index must not be able to name any other.
    private void checkShardName(String name) {
        boolean plain = name.matches("[A-Za-z0-9._-]{1,255}") && !name.startsWith(".");
        if (!plain) {
            throw BadCheckpoint.mismatch(folder.resolve(INDEX) + ": weight_map", "names of files beside it", name);
        }
    }

    private Map<String, String> weightMap() {
        String source = folder.resolve(INDEX).toString();
        Map<String, String> map = JsonFile.parse(source, bytes(INDEX), parser -> weightMap(source, parser));
        if (map.isEmpty()) {
            throw BadCheckpoint.mismatch(source, "a weight_map", "none");
        }
        return map;
    }

    private static Map<String, String> weightMap(String source, JsonParser parser) throws IOException {
        Map<String, String> map = new LinkedHashMap<>();
        while (parser.nextToken() != JsonToken.END_OBJECT) {
            boolean wanted = parser.currentName().equals("weight_map");
            JsonToken value = parser.nextToken();
            if (!wanted) {
                parser.skipChildren();
                continue;
            }
            JsonFile.expect(source, "weight_map", JsonToken.START_OBJECT, value);
            while (parser.nextToken() != JsonToken.END_OBJECT) {
                String name = parser.currentName();
                JsonFile.expect(source, "weight_map", JsonToken.VALUE_STRING, parser.nextToken());
                map.put(name, parser.getText());
            }
        }
        return map;
    }

    private Contents canonical(Contents stored) {
        String source = stored.metadata().source();
        Map<String, MetadataValue> values = new LinkedHashMap<>();
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        if (!Files.exists(folder.resolve(CONFIG))) {
            tensors.putAll(renamed(source, "", stored.tensors()));
        } else {
            Metadata config = flattened(CONFIG);
            values.putAll(ConfigJson.toMetadata(config));
            Metadata converted = new Metadata(source, values);
            tensors.putAll(
                    renamed(source, converted.string("general.architecture"), weights(config, stored.tensors())));
            if (config.flag("tie_word_embeddings", false)) {
                tie(tensors);
            }
            RopeFactors.of(config, converted).forEach(factors -> tensors.put(factors.name(), factors));
        }
        tokenizer(values);
        stored.metadata().values().forEach(values::putIfAbsent);
        return new Contents(new Metadata(source, values), tensors);
    }

    private Map<String, Tensor> weights(Metadata config, Map<String, Tensor> stored) {
        return CompressedTensors.isNamedBy(config)
                ? CompressedTensors.decompress(config, stored, files::allocate)
                : stored;
    }

    private Map<String, Tensor> renamed(String source, String architecture, Map<String, Tensor> stored) {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        stored.forEach((name, tensor) -> {
            if (TensorNames.isBuffer(name)) {
                return;
            }
            String canonical = TensorNames.canonical(architecture, name).orElse(name);
            Tensor renamed = new Tensor(canonical, tensor.encoding(), tensor.shape(), tensor.data());
            if (tensors.put(canonical, TensorValues.canonical(architecture, renamed, files)) != null) {
                throw BadCheckpoint.mismatch(source + ": tensor " + canonical, "one under its names", "two");
            }
        });
        return tensors;
    }

    private static void tie(Map<String, Tensor> tensors) {
        Tensor head = tensors.remove(HEAD);
        if (head != null) {
            tensors.putIfAbsent(EMBEDDING, new Tensor(EMBEDDING, head.encoding(), head.shape(), head.data()));
        }
    }

    private void tokenizer(Map<String, MetadataValue> values) {
        if (Files.exists(folder.resolve(TOKENIZER))) {
            values.put("tokenizer.huggingface.json", text(TOKENIZER));
        } else if (Files.exists(folder.resolve(SENTENCE_PIECE))) {
            values.putAll(SentencePieceModel.read(folder.resolve(SENTENCE_PIECE).toString(), bytes(SENTENCE_PIECE)));
        }
        if (Files.exists(folder.resolve(GENERATION_CONFIG))) {
            SideFiles.generation(flattened(GENERATION_CONFIG), values);
        }
        if (Files.exists(folder.resolve(TOKENIZER_CONFIG))) {
            SideFiles.tokenizer(flattened(TOKENIZER_CONFIG), bytes(TOKENIZER_CONFIG), values);
        }
        if (Files.exists(folder.resolve(TEMPLATE))) {
            values.put(SideFiles.TEMPLATE, text(TEMPLATE));
        }
    }

    private Metadata flattened(String name) {
        return JsonFile.flatten(folder.resolve(name).toString(), bytes(name));
    }

    private MetadataValue text(String name) {
        return new MetadataValue.Text(new String(bytes(name), StandardCharsets.UTF_8));
    }

    private byte[] bytes(String name) {
        MemorySegment mapped = files.map(folder.resolve(name));
        if (mapped.byteSize() > SIDE_FILE_BYTES_MAX) {
            throw BadCheckpoint.mismatch(
                    folder.resolve(name) + ": size", "at most " + SIDE_FILE_BYTES_MAX, mapped.byteSize());
        }
        return mapped.toArray(ValueLayout.JAVA_BYTE);
    }
}
