package dev.trimtab.checkpoint;

import dev.trimtab.checkpoint.io.ByteWriter;
import dev.trimtab.checkpoint.io.FileOutput;
import dev.trimtab.error.Internal;
import dev.trimtab.error.Unsupported;
import dev.trimtab.tensor.Tensor;
import java.io.IOException;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Writes GGUF version 3 (the layout stands at [GgufReader]), pairs and tensors in the order they were
/// given, so that what it writes is the same bytes each time.
///
/// It holds the tensors' memory only by reference: a checkpoint's tensors can be written while that
/// checkpoint is open. `general.alignment` is written where it is not the default, and
/// `general.quantization_version`, which ggml asks for when any tensor is quantized, where the caller
/// has not given it; [#fileType()] sets `general.file_type`.
public final class GgufWriter {
    /// Version 2 of ggml's block formats, the only one since 2023.
    private static final long QUANTIZATION_VERSION = 2;

    private static final String QUANTIZATION_VERSION_KEY = "general.quantization_version";

    /// ggml's `GGML_MAX_NAME` less the terminator: longer names it cannot load.
    private static final int NAME_BYTES_MAX = 63;

    private static final int ALIGNMENT_DEFAULT = 32;

    private final int alignment;
    private final Map<String, MetadataValue> pairs = new LinkedHashMap<>();
    private final Map<String, Tensor> tensors = new LinkedHashMap<>();

    /// A writer with the default alignment of 32 bytes.
    public GgufWriter() {
        this(ALIGNMENT_DEFAULT);
    }

    /// `alignment` is a power of two.
    public GgufWriter(int alignment) {
        if (Integer.bitCount(alignment) != 1 || alignment < 1 || alignment > GgufReader.ALIGNMENT_MAX) {
            throw new Internal("alignment: a power of two expected, found " + alignment);
        }
        this.alignment = alignment;
        if (alignment != ALIGNMENT_DEFAULT) {
            put(GgufReader.ALIGNMENT_KEY, new MetadataValue.Whole(ValueType.UINT32, alignment));
        }
    }

    /// A writer of what `checkpoint` holds, which must stay open: its pairs and tensors in their order,
    /// known or not. Of a GGUF file it gives the same bytes again, but for these: version 2 becomes 3;
    /// bytes after the last tensor go, and padding is zero and whole; booleans are 0 or 1; bytes of
    /// strings that are no UTF-8 become U+FFFD; and `general.quantization_version` is added where it
    /// lacks.
    ///
    /// @throws Unsupported for a tensor that GGUF cannot hold
    public static GgufWriter copyOf(Checkpoint checkpoint) {
        Metadata metadata = checkpoint.metadata();
        GgufWriter writer = new GgufWriter(
                metadata.integer(GgufReader.ALIGNMENT_KEY, 1, GgufReader.ALIGNMENT_MAX, ALIGNMENT_DEFAULT));
        writer.pairs.clear();
        metadata.values().forEach(writer::put);
        checkpoint.tensors().values().forEach(writer::tensor);
        return writer;
    }

    /// Adds the pair, or replaces the value in place where the key is there already.
    public GgufWriter put(String key, MetadataValue value) {
        int sizeBytes = key.getBytes(StandardCharsets.UTF_8).length;
        if (sizeBytes < 1 || sizeBytes > GgufReader.KEY_BYTES_MAX) {
            throw new Internal("a key of 1.." + GgufReader.KEY_BYTES_MAX + " bytes expected, found " + sizeBytes);
        }
        if (key.equals(GgufReader.ALIGNMENT_KEY)
                && !value.equals(new MetadataValue.Whole(ValueType.UINT32, alignment))) {
            throw new Internal(key + " is the writer's: expected " + alignment + ", found " + value.describe());
        }
        pairs.put(key, value);
        return this;
    }

    /// Adds a string.
    public GgufWriter text(String key, String text) {
        return put(key, new MetadataValue.Text(text));
    }

    /// Adds a non-negative integer as UINT32, the type llama.cpp reads counts and ids with.
    public GgufWriter uint32(String key, int value) {
        return put(key, new MetadataValue.Whole(ValueType.UINT32, value));
    }

    /// Adds a number as FLOAT32.
    public GgufWriter float32(String key, float value) {
        return put(key, new MetadataValue.Real(ValueType.FLOAT32, value));
    }

    /// Adds an array of strings.
    public GgufWriter texts(String key, List<String> texts) {
        return put(key, new MetadataValue.Texts(List.copyOf(texts)));
    }

    /// Sets `general.file_type`, which llama.cpp shows and nothing depends on, to that of the encoding
    /// in which most bytes of the tensors added so far are; none where no file has that one.
    public GgufWriter fileType() {
        GgufFileType.of(tensors.values())
                .ifPresentOrElse(type -> uint32(GgufFileType.KEY, type), () -> pairs.remove(GgufFileType.KEY));
        return this;
    }

    /// Adds a tensor under its own name.
    ///
    /// @throws Unsupported for an encoding that GGUF has no number for
    public GgufWriter tensor(Tensor tensor) {
        int sizeBytes = tensor.name().getBytes(StandardCharsets.UTF_8).length;
        if (sizeBytes > NAME_BYTES_MAX) {
            throw new Internal(tensor.name() + ": a name of at most " + NAME_BYTES_MAX + " bytes expected");
        }
        if (!tensor.encoding().hasGgmlId()) {
            throw new Unsupported(tensor.name() + ": GGUF cannot hold " + tensor.encoding());
        }
        if (tensors.putIfAbsent(tensor.name(), tensor) != null) {
            throw new Internal(tensor.name() + ": a second tensor of this name");
        }
        return this;
    }

    /// Writes the file beside `path` and then renames it over, so that nobody sees it half done.
    ///
    /// @throws java.io.UncheckedIOException when the disk refuses, with the path
    public void write(Path path) {
        FileOutput.write(path, this::write);
    }

    /// The whole file in memory, for small ones.
    public byte[] toBytes() {
        return FileOutput.toBytes(this::write);
    }

    private void write(WritableByteChannel channel) throws IOException {
        FileOutput.write(channel, header());
        for (Tensor tensor : tensors.values()) {
            FileOutput.write(channel, tensor.data());
            long padding = GgufReader.roundUp(tensor.sizeBytes(), alignment) - tensor.sizeBytes();
            FileOutput.write(channel, new byte[Math.toIntExact(padding)]);
        }
    }

    /// Everything before the data section, padded.
    private byte[] header() {
        Map<String, MetadataValue> written = new LinkedHashMap<>(pairs);
        if (tensors.values().stream().anyMatch(tensor -> tensor.encoding().blockElements() > 1)) {
            written.putIfAbsent(
                    QUANTIZATION_VERSION_KEY, new MetadataValue.Whole(ValueType.UINT32, QUANTIZATION_VERSION));
        }
        ByteWriter header = new ByteWriter();
        header.int32(GgufReader.MAGIC).int32(3);
        header.int64(tensors.size()).int64(written.size());
        written.forEach((key, value) -> pair(header, key, value));
        long offset = 0;
        for (Tensor tensor : tensors.values()) {
            tensorInfo(header, tensor, offset);
            offset = GgufReader.roundUp(offset + tensor.sizeBytes(), alignment);
        }
        return header.pad(alignment).toBytes();
    }

    private static void pair(ByteWriter header, String key, MetadataValue value) {
        header.string(key);
        switch (value) {
            case MetadataValue.Text(String text) ->
                type(header, ValueType.STRING).string(text);
            case MetadataValue.Flag(boolean flag) ->
                type(header, ValueType.BOOL).whole(flag ? 1 : 0, 1);
            case MetadataValue.Whole(ValueType type, long whole) ->
                type(header, type).whole(whole, type.sizeBytes());
            case MetadataValue.Real(ValueType type, double real) -> real(type(header, type), type, real);
            case MetadataValue.Array array -> array(type(header, ValueType.ARRAY), array);
        }
    }

    private static void array(ByteWriter header, MetadataValue.Array array) {
        switch (array) {
            case MetadataValue.Texts(List<String> texts) -> {
                type(header, ValueType.STRING).int64(texts.size());
                texts.forEach(header::string);
            }
            case MetadataValue.Wholes(ValueType type, long[] wholes) -> {
                type(header, type).int64(wholes.length);
                for (long whole : wholes) {
                    header.whole(whole, type.sizeBytes());
                }
            }
            case MetadataValue.Reals(ValueType type, double[] reals) -> {
                type(header, type).int64(reals.length);
                for (double real : reals) {
                    real(header, type, real);
                }
            }
            case MetadataValue.Flags(boolean[] flags) -> {
                type(header, ValueType.BOOL).int64(flags.length);
                for (boolean flag : flags) {
                    header.whole(flag ? 1 : 0, 1);
                }
            }
            case MetadataValue.Nested(List<MetadataValue.Array> arrays) -> {
                type(header, ValueType.ARRAY).int64(arrays.size());
                arrays.forEach(inner -> array(header, inner));
            }
        }
    }

    private static ByteWriter type(ByteWriter header, ValueType type) {
        return header.int32(type.number());
    }

    private static void real(ByteWriter header, ValueType type, double real) {
        if (type == ValueType.FLOAT32) {
            header.int32(Float.floatToRawIntBits((float) real));
        } else {
            header.int64(Double.doubleToRawLongBits(real));
        }
    }

    private static void tensorInfo(ByteWriter header, Tensor tensor, long offset) {
        List<Long> extents = tensor.shape().extents();
        header.string(tensor.name()).int32(extents.size());
        extents.reversed().forEach(header::int64);
        header.int32(tensor.encoding().ggmlId()).int64(offset);
    }
}
