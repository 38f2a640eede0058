package dev.trimtab.checkpoint.safetensors;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import dev.trimtab.checkpoint.io.ByteWriter;
import dev.trimtab.checkpoint.io.FileOutput;
import dev.trimtab.error.Internal;
import dev.trimtab.error.Unsupported;
import dev.trimtab.tensor.Tensor;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// Writes safetensors (the layout stands at [SafetensorsReader]): one file, or several and their index.
///
/// Tensors of wide elements come first, else in the order given; with a header padded to a multiple of 8
/// bytes every tensor is then aligned to its element. The same input gives the same bytes. The tensors'
/// memory is held by reference.
public final class SafetensorsWriter {
    private static final String SINGLE = "model.safetensors";
    private static final String INDEX = "model.safetensors.index.json";
    private static final int HEADER_ALIGNMENT = 8;
    private static final JsonFactory JSON = new JsonFactory();

    private final Map<String, String> metadata = new LinkedHashMap<>();
    private final Map<String, Tensor> tensors = new LinkedHashMap<>();

    /// Adds a pair to `__metadata__`. Hugging Face's libraries want `format` to be `pt`.
    public SafetensorsWriter text(String key, String text) {
        metadata.put(key, text);
        return this;
    }

    /// Adds a tensor under its own name.
    ///
    /// @throws Unsupported for an encoding that is no dtype of safetensors
    public SafetensorsWriter tensor(Tensor tensor) {
        if (!Dtypes.holds(tensor.encoding())) {
            throw new Unsupported(tensor.name() + ": safetensors cannot hold " + tensor.encoding());
        }
        if (tensor.name().equals(SafetensorsReader.METADATA) || tensors.putIfAbsent(tensor.name(), tensor) != null) {
            throw new Internal(tensor.name() + ": a second tensor of this name, or one that means something else");
        }
        return this;
    }

    /// Writes all tensors to one file, whole or not at all.
    ///
    /// @throws UncheckedIOException when the disk refuses, with the path
    public void write(Path path) {
        write(path, tensors.values());
    }

    /// The whole file in memory, for small ones.
    public byte[] toBytes() {
        return FileOutput.toBytes(channel -> write(channel, ordered(tensors.values())));
    }

    /// Writes to `folder` files of at most `sizeBytesMax` bytes of weights each (more, where one tensor
    /// has more): `model-00001-of-00003.safetensors` and so on, then `model.safetensors.index.json`; or
    /// `model.safetensors` alone where one file is enough.
    ///
    /// @throws UncheckedIOException when the disk refuses, with the path
    public void writeSharded(Path folder, long sizeBytesMax) {
        List<List<Tensor>> shards = shards(sizeBytesMax);
        if (shards.size() <= 1) {
            write(folder.resolve(SINGLE));
            return;
        }
        Map<String, String> weightMap = new LinkedHashMap<>();
        for (int i = 0; i < shards.size(); i++) {
            String name = String.format(Locale.ROOT, "model-%05d-of-%05d.safetensors", i + 1, shards.size());
            write(folder.resolve(name), shards.get(i));
            shards.get(i).forEach(tensor -> weightMap.put(tensor.name(), name));
        }
        FileOutput.write(folder.resolve(INDEX), channel -> FileOutput.write(channel, index(weightMap)));
    }

    private void write(Path path, Collection<Tensor> written) {
        FileOutput.write(path, channel -> write(channel, ordered(written)));
    }

    private void write(WritableByteChannel channel, List<Tensor> ordered) throws IOException {
        byte[] header = header(ordered);
        if (header.length > SafetensorsReader.HEADER_BYTES_MAX) {
            throw new Unsupported("a safetensors header of " + header.length + " bytes; the format has at most "
                    + SafetensorsReader.HEADER_BYTES_MAX);
        }
        FileOutput.write(channel, new ByteWriter().int64(header.length).toBytes());
        FileOutput.write(channel, header);
        for (Tensor tensor : ordered) {
            FileOutput.write(channel, tensor.data());
        }
    }

    private static List<Tensor> ordered(Collection<Tensor> tensors) {
        return tensors.stream()
                .sorted(Comparator.comparingInt((Tensor tensor) ->
                        -tensor.encoding().blockBytes() / tensor.encoding().blockElements()))
                .toList();
    }

    private List<List<Tensor>> shards(long sizeBytesMax) {
        List<List<Tensor>> shards = new ArrayList<>();
        long sizeBytes = Long.MAX_VALUE;
        for (Tensor tensor : tensors.values()) {
            if (sizeBytes > sizeBytesMax - tensor.sizeBytes()) {
                shards.add(new ArrayList<>());
                sizeBytes = 0;
            }
            shards.getLast().add(tensor);
            sizeBytes += tensor.sizeBytes();
        }
        return shards;
    }

    private byte[] header(List<Tensor> ordered) {
        ByteArrayOutputStream json = json(generator -> {
            if (!metadata.isEmpty()) {
                texts(generator, SafetensorsReader.METADATA, metadata);
            }
            long begin = 0;
            for (Tensor tensor : ordered) {
                entry(generator, tensor, begin);
                begin += tensor.sizeBytes();
            }
        });
        while (json.size() % HEADER_ALIGNMENT != 0) {
            json.write(' ');
        }
        return json.toByteArray();
    }

    private static void entry(JsonGenerator json, Tensor tensor, long begin) throws IOException {
        json.writeObjectFieldStart(tensor.name());
        json.writeStringField("dtype", tensor.encoding().name());
        json.writeArrayFieldStart("shape");
        for (long extent : tensor.shape().extents()) {
            json.writeNumber(extent);
        }
        json.writeEndArray();
        json.writeArrayFieldStart("data_offsets");
        json.writeNumber(begin);
        json.writeNumber(begin + tensor.sizeBytes());
        json.writeEndArray();
        json.writeEndObject();
    }

    private byte[] index(Map<String, String> weightMap) {
        long sizeBytes = tensors.values().stream().mapToLong(Tensor::sizeBytes).sum();
        return json(generator -> {
                    generator.writeObjectFieldStart("metadata");
                    generator.writeNumberField("total_size", sizeBytes);
                    generator.writeEndObject();
                    texts(generator, "weight_map", weightMap);
                })
                .toByteArray();
    }

    private static void texts(JsonGenerator json, String field, Map<String, String> texts) throws IOException {
        json.writeObjectFieldStart(field);
        for (Map.Entry<String, String> text : texts.entrySet()) {
            json.writeStringField(text.getKey(), text.getValue());
        }
        json.writeEndObject();
    }

    /// Writes the fields of an object.
    @FunctionalInterface
    private interface Fields {
        void write(JsonGenerator json) throws IOException;
    }

    private static ByteArrayOutputStream json(Fields fields) {
        var bytes = new ByteArrayOutputStream();
        try (JsonGenerator generator = JSON.createGenerator(bytes)) {
            generator.writeStartObject();
            fields.write(generator);
            generator.writeEndObject();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes;
    }
}
