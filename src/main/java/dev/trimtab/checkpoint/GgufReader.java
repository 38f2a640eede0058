package dev.trimtab.checkpoint;

import dev.trimtab.checkpoint.io.ByteReader;
import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.Unsupported;
import dev.trimtab.tensor.Encoding;
import dev.trimtab.tensor.Shape;
import dev.trimtab.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Reads GGUF, versions 2 and 3. The layout, all numbers little-endian:
///
/// 1. Magic, the four bytes `GGUF`.
/// 2. Version, u32.
/// 3. Number of tensors, i64; number of key-value pairs, i64.
/// 4. The pairs: key (string), value type (u32, [ValueType]), value. A string is a u64 length and its UTF-8
///    bytes, not terminated; an array is an element type (u32), a u64 length and the elements; a boolean is
///    one byte.
/// 5. The tensor infos: name (string), number of extents (u32, at most four), extents (i64, the row length
///    FIRST), encoding (u32, [Encoding#ggmlId()]), offset (u64, from the start of the data section).
/// 6. Padding to the alignment: the pair `general.alignment` (u32, a power of two), else 32.
/// 7. The data section: the tensors' bytes in the order of their infos, each padded to the alignment.
///
/// Sources: ggml's `docs/gguf.md` and `src/gguf.cpp`. As ggml does, this refuses tensors that do not follow
/// one another without a gap, so no two can overlap; unlike it, this accepts nested arrays and refuses empty
/// extents and keys that are not UTF-8.
public final class GgufReader {
    /// `GGUF` read as a little-endian number.
    static final int MAGIC = 0x4655_4747;

    static final String ALIGNMENT_KEY = "general.alignment";
    private static final MetadataValue ALIGNMENT_DEFAULT = new MetadataValue.Whole(ValueType.UINT32, 32);

    /// A huge page: nothing is gained by more.
    static final int ALIGNMENT_MAX = 2 << 20;

    /// The format's limit on a tensor's name (ggml itself stops at 63).
    static final int NAME_BYTES_MAX = 64;

    /// The format's limit on a key.
    static final int KEY_BYTES_MAX = 65_535;

    /// Files have tens of pairs; those with a pair for each layer and head a few thousand.
    private static final int PAIRS_MAX = 1 << 16;

    /// The largest mixture-of-experts checkpoints store about 90,000 tensors when each expert has its own.
    private static final int TENSORS_MAX = 1 << 18;

    /// Key length, type and a one-byte value.
    private static final int PAIR_BYTES_MIN = 8 + 1 + 4 + 1;

    /// Name length, number of extents, encoding and offset.
    private static final int INFO_BYTES_MIN = 8 + 4 + 4 + 8;

    private final ByteReader reader;
    private final MemorySegment bytes;

    private GgufReader(String source, MemorySegment bytes) {
        this.reader = new ByteReader(source, bytes);
        this.bytes = bytes;
    }

    /// One tensor info, as far as it can be checked alone.
    private record TensorInfo(String name, Encoding encoding, Shape shape, long offset) {
        long sizeBytes() {
            return encoding.sizeBytes(shape.elements());
        }
    }

    /// Whether `bytes` begin as a GGUF file does.
    public static boolean recognizes(MemorySegment bytes) {
        return bytes.byteSize() >= 4 && new ByteReader("", bytes).int32("magic") == MAGIC;
    }

    /// Reads and checks everything but the weights themselves. `bytes` should be read-only.
    ///
    /// @throws BadCheckpoint when a rule above is broken, with the place, what was expected and what was
    /// found
    /// @throws Unsupported for other versions and for encodings nobody here knows
    public static Contents read(String source, MemorySegment bytes) {
        return new GgufReader(source, bytes).read();
    }

    private Contents read() {
        magicAndVersion();
        long tensorCount = count("tensor count", TENSORS_MAX);
        long pairCount = count("key-value count", PAIRS_MAX);
        possible("key-value count", pairCount, PAIR_BYTES_MIN);
        Metadata metadata = new Metadata(reader.source(), pairs(pairCount));
        int alignment = alignment(metadata);
        possible("tensor count", tensorCount, INFO_BYTES_MIN);
        List<TensorInfo> infos = infos(tensorCount);
        return new Contents(metadata, tensors(infos, alignment));
    }

    private void magicAndVersion() {
        int magic = reader.int32("magic");
        if (magic != MAGIC) {
            throw reader.mismatch("magic", "GGUF", String.format("bytes 0x%08x", Integer.reverseBytes(magic)));
        }
        int version = reader.int32("version");
        if ((version & 0xffff) == 0 && version != 0) {
            throw new Unsupported(reader.source() + ": a big-endian GGUF file; convert it to little-endian");
        }
        if (version != 2 && version != 3) {
            throw new Unsupported(
                    reader.source() + ": GGUF version " + Integer.toUnsignedString(version) + "; 2 and 3 can be read");
        }
    }

    private long count(String what, int max) {
        long count = reader.int64(what);
        if (count < 0 || count > max) {
            throw reader.mismatch(what, "0.." + max, count);
        }
        return count;
    }

    /// Refuses a count that the rest of the file cannot hold, before a loop or a list is sized by it.
    private void possible(String what, long count, int itemBytes) {
        if (count > reader.remaining() / itemBytes) {
            throw reader.mismatch(what, "as many as " + reader.remaining() + " bytes can hold", count);
        }
    }

    private Map<String, MetadataValue> pairs(long count) {
        GgufValues values = new GgufValues(reader);
        Map<String, MetadataValue> pairs = new LinkedHashMap<>();
        for (long i = 0; i < count; i++) {
            String key = reader.strictString("key " + i, KEY_BYTES_MAX);
            if (key.isEmpty()) {
                throw reader.mismatch("key " + i, "a name", "none");
            }
            if (pairs.containsKey(key)) {
                throw reader.mismatch("metadata " + key, "one value", "a second");
            }
            pairs.put(key, values.value("metadata " + key));
        }
        return pairs;
    }

    private int alignment(Metadata metadata) {
        MetadataValue value = metadata.find(ALIGNMENT_KEY).orElse(ALIGNMENT_DEFAULT);
        if (value instanceof MetadataValue.Whole(ValueType type, long alignment)
                && type == ValueType.UINT32
                && Long.bitCount(alignment) == 1
                && alignment <= ALIGNMENT_MAX) {
            return Math.toIntExact(alignment);
        }
        throw reader.mismatch(
                "metadata " + ALIGNMENT_KEY, "a UINT32, a power of two up to " + ALIGNMENT_MAX, value.describe());
    }

    private List<TensorInfo> infos(long count) {
        List<TensorInfo> infos = new ArrayList<>();
        for (long i = 0; i < count; i++) {
            infos.add(info(i));
        }
        return infos;
    }

    private TensorInfo info(long index) {
        String name = reader.strictString("name of tensor " + index, NAME_BYTES_MAX);
        String what = "tensor " + name;
        List<Long> extents = extents(what);
        Encoding encoding = encoding(what);
        long offset = reader.int64(what + " offset");
        return new TensorInfo(name, encoding, shape(what, extents, encoding), offset);
    }

    /// The extents outermost first; a scalar, which has none, is one element.
    private List<Long> extents(String what) {
        int rank = reader.int32(what + " rank");
        if (rank < 0 || rank > Shape.RANK_MAX) {
            throw reader.mismatch(what + " rank", "0.." + Shape.RANK_MAX, Integer.toUnsignedString(rank));
        }
        List<Long> extents = new ArrayList<>();
        for (int i = 0; i < rank; i++) {
            long extent = reader.int64(what + " extent");
            if (extent < 1) {
                throw reader.mismatch(what + " extent " + i, "at least 1", extent);
            }
            extents.addFirst(extent);
        }
        return extents.isEmpty() ? List.of(1L) : extents;
    }

    private Encoding encoding(String what) {
        int id = reader.int32(what + " encoding");
        return Encoding.ofGgmlId(id)
                .orElseThrow(() -> new Unsupported(reader.source() + ": " + what + ": encoding number "
                        + Integer.toUnsignedString(id) + " is unknown, or was removed from ggml"));
    }

    private Shape shape(String what, List<Long> extents, Encoding encoding) {
        if (extents.getLast() % encoding.blockElements() != 0) {
            throw reader.mismatch(
                    what + " row", "a multiple of " + encoding + "'s " + encoding.blockElements(), extents.getLast());
        }
        try {
            Shape shape = new Shape(extents);
            encoding.sizeBytes(shape.elements());
            return shape;
        } catch (ArithmeticException e) {
            throw new BadCheckpoint(reader.source() + ": " + what + ": more bytes than can be counted", e);
        }
    }

    private Map<String, Tensor> tensors(List<TensorInfo> infos, int alignment) {
        long dataStart = roundUp(reader.position(), alignment);
        long dataBytes = bytes.byteSize() - dataStart;
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        long expected = 0;
        for (TensorInfo info : infos) {
            String what = "tensor " + info.name();
            if (info.offset() != expected) {
                throw reader.mismatch(what + " offset", expected, Long.toUnsignedString(info.offset()));
            }
            if (info.sizeBytes() > dataBytes - expected) {
                throw reader.mismatch(
                        what, info.sizeBytes() + " bytes of data", Math.max(0, dataBytes - expected) + " bytes");
            }
            MemorySegment data = bytes.asSlice(dataStart + expected, info.sizeBytes());
            Tensor tensor = new Tensor(info.name(), info.encoding(), info.shape(), data);
            if (tensors.put(info.name(), tensor) != null) {
                throw reader.mismatch(what, "one of this name", "a second");
            }
            expected = roundUp(expected + info.sizeBytes(), alignment);
        }
        return tensors;
    }

    /// The next multiple of `alignment`, a power of two; cannot overflow, for `position` lies within a
    /// file.
    static long roundUp(long position, int alignment) {
        return (position + alignment - 1) & -(long) alignment;
    }
}
