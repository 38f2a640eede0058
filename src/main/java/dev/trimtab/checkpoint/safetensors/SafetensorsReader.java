package dev.trimtab.checkpoint.safetensors;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import dev.trimtab.checkpoint.Contents;
import dev.trimtab.checkpoint.JsonFile;
import dev.trimtab.checkpoint.Metadata;
import dev.trimtab.checkpoint.MetadataValue;
import dev.trimtab.checkpoint.io.ByteReader;
import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.Unsupported;
import dev.trimtab.tensor.Encoding;
import dev.trimtab.tensor.Shape;
import dev.trimtab.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Reads one safetensors file. The layout:
///
/// 1. Header length N, u64 little-endian, at most 100 MB.
/// 2. N bytes of JSON that begin with `{` and may end in spaces: an object from tensor names to
///    `{"dtype": .., "shape": [..], "data_offsets": [begin, end]}`, and `__metadata__` to an object of
///    strings.
/// 3. The buffer: the tensors' bytes, row-major, little-endian, the offsets relative to its start.
///    Sorted by offset the tensors tile it: no gap, no overlap, nothing left.
///
/// Source: huggingface/safetensors, `safetensors/src/tensor.rs` at 24b0b28. A tensor of any dtype is
/// read; which can be decoded is [dev.trimtab.tensor.Dequantizer]'s to say.
public final class SafetensorsReader {
    /// The format's own limit.
    static final int HEADER_BYTES_MAX = 100_000_000;

    /// The largest mixture-of-experts checkpoints hold about 90,000 tensors, over many files.
    private static final int TENSORS_MAX = 1 << 18;

    /// Names are paths of modules, of up to about 120 characters.
    private static final int NAME_LENGTH_MAX = 1024;

    /// The name in the header that is no tensor's.
    static final String METADATA = "__metadata__";

    private final String source;
    private final MemorySegment bytes;
    private final Map<String, MetadataValue> metadata = new LinkedHashMap<>();
    private final List<Entry> entries = new ArrayList<>();

    private SafetensorsReader(String source, MemorySegment bytes) {
        this.source = source;
        this.bytes = bytes;
    }

    /// A tensor of the header, unchecked.
    private record Entry(String name, String dtype, List<Long> shape, List<Long> offsets) {}

    /// Whether `bytes` could be a safetensors file: its header begins as one must.
    public static boolean recognizes(MemorySegment bytes) {
        return bytes.byteSize() > 8 && bytes.get(ValueLayout.JAVA_BYTE, 8) == '{';
    }

    /// Reads and checks everything but the weights. Names are the file's own; the metadata are
    /// `__metadata__`.
    ///
    /// @throws BadCheckpoint when a rule above is broken
    /// @throws Unsupported for a dtype that the format does not know, a tensor without elements or of
    ///     too many dimensions
    public static Contents read(String source, MemorySegment bytes) {
        return new SafetensorsReader(source, bytes).read();
    }

    private Contents read() {
        ByteReader reader = new ByteReader(source, bytes);
        int headerBytes = reader.count("header length", HEADER_BYTES_MAX, 1);
        MemorySegment header = bytes.asSlice(reader.position(), headerBytes);
        if (headerBytes == 0 || header.get(ValueLayout.JAVA_BYTE, 0) != '{') {
            throw BadCheckpoint.mismatch(source + ": header", "{", "another beginning");
        }
        JsonFile.parse(source, header.toArray(ValueLayout.JAVA_BYTE), this::header);
        MemorySegment buffer = bytes.asSlice(reader.position() + headerBytes);
        return new Contents(new Metadata(source, metadata), tensors(buffer));
    }

    private List<Entry> header(JsonParser parser) throws IOException {
        while (parser.nextToken() != JsonToken.END_OBJECT) {
            String name = parser.currentName();
            JsonFile.expect(source, shown(name), JsonToken.START_OBJECT, parser.nextToken());
            if (name.equals(METADATA)) {
                metadata(parser);
            } else {
                entries.add(entry(name, parser));
            }
            if (entries.size() > TENSORS_MAX || name.length() > NAME_LENGTH_MAX) {
                throw BadCheckpoint.mismatch(
                        source + ": header",
                        TENSORS_MAX + " tensors with names of " + NAME_LENGTH_MAX + " characters at most",
                        "tensor " + entries.size() + ", " + shown(name));
            }
        }
        return entries;
    }

    private void metadata(JsonParser parser) throws IOException {
        while (parser.nextToken() != JsonToken.END_OBJECT) {
            String key = parser.currentName();
            JsonFile.expect(source, METADATA + " " + shown(key), JsonToken.VALUE_STRING, parser.nextToken());
            metadata.put(key, new MetadataValue.Text(parser.getText()));
        }
    }

    private Entry entry(String name, JsonParser parser) throws IOException {
        String dtype = "";
        List<Long> shape = List.of();
        List<Long> offsets = List.of();
        boolean shaped = false;
        while (parser.nextToken() != JsonToken.END_OBJECT) {
            String field = parser.currentName();
            parser.nextToken();
            switch (field) {
                case "dtype" -> {
                    JsonFile.expect(source, shown(name), JsonToken.VALUE_STRING, parser.currentToken());
                    dtype = parser.getText();
                }
                case "shape" -> {
                    shape = numbers(name, parser);
                    shaped = true;
                }
                case "data_offsets" -> offsets = numbers(name, parser);
                default -> parser.skipChildren();
            }
        }
        if (dtype.isEmpty() || !shaped || offsets.size() != 2) {
            throw mismatch(name, "dtype, shape and two data_offsets", dtype + " " + shape + " " + offsets);
        }
        return new Entry(name, dtype, shape, offsets);
    }

    private List<Long> numbers(String name, JsonParser parser) throws IOException {
        JsonFile.expect(source, shown(name), JsonToken.START_ARRAY, parser.currentToken());
        List<Long> numbers = new ArrayList<>();
        while (parser.nextToken() != JsonToken.END_ARRAY) {
            JsonFile.expect(source, shown(name), JsonToken.VALUE_NUMBER_INT, parser.currentToken());
            numbers.add(parser.getLongValue());
            if (numbers.getLast() < 0 || numbers.size() > 16) {
                throw mismatch(name, "at most 16 numbers of at least 0", numbers);
            }
        }
        return numbers;
    }

    private Map<String, Tensor> tensors(MemorySegment buffer) {
        entries.sort(Comparator.comparing((Entry entry) -> entry.offsets().getFirst())
                .thenComparing(entry -> entry.offsets().getLast()));
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        long expected = 0;
        for (Entry entry : entries) {
            long begin = entry.offsets().getFirst();
            long end = entry.offsets().getLast();
            if (begin != expected || end < begin || end > buffer.byteSize()) {
                throw mismatch(
                        entry.name(), "bytes from " + expected + " on within " + buffer.byteSize(), begin + ".." + end);
            }
            tensors.put(entry.name(), tensor(entry, buffer.asSlice(begin, end - begin)));
            expected = end;
        }
        if (expected != buffer.byteSize()) {
            throw BadCheckpoint.mismatch(source + ": bytes of tensors", buffer.byteSize(), expected);
        }
        return tensors;
    }

    private Tensor tensor(Entry entry, MemorySegment data) {
        Encoding encoding = Dtypes.encoding(entry.dtype())
                .orElseThrow(
                        () -> new Unsupported(source + ": " + shown(entry.name()) + ": dtype " + shown(entry.dtype())));
        List<Long> extents = entry.shape().isEmpty() ? List.of(1L) : entry.shape();
        if (extents.size() > Shape.RANK_MAX || extents.contains(0L)) {
            throw new Unsupported(source + ": " + shown(entry.name()) + ": shape " + extents + "; up to "
                    + Shape.RANK_MAX + " dimensions of at least 1 can be read");
        }
        try {
            Shape shape = new Shape(extents);
            if (shape.elements() % encoding.blockElements() != 0) {
                throw mismatch(entry.name(), "whole bytes of " + encoding, shape);
            }
            long sizeBytes = encoding.sizeBytes(shape.elements());
            if (sizeBytes != data.byteSize()) {
                throw mismatch(entry.name(), sizeBytes + " bytes for " + encoding + shape, data.byteSize());
            }
            return new Tensor(entry.name(), encoding, shape, data);
        } catch (ArithmeticException e) {
            throw new BadCheckpoint(source + ": " + shown(entry.name()) + ": more bytes than can be counted", e);
        }
    }

    private BadCheckpoint mismatch(String tensor, Object expected, Object found) {
        return BadCheckpoint.mismatch(source + ": tensor " + shown(tensor), expected, found);
    }

    private static String shown(String name) {
        return name.length() <= 120 ? name : name.substring(0, 117) + "...";
    }
}
