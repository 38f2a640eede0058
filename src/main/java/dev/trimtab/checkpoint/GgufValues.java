package dev.trimtab.checkpoint;

import dev.trimtab.checkpoint.io.ByteReader;
import java.util.ArrayList;
import java.util.List;

/// Reads GGUF's typed metadata values (see [GgufReader] for the layout) within budgets for the whole file.
final class GgufValues {
    /// Chat templates take kilobytes; the longest strings known are embedded `tokenizer.json` files of
    /// about 35 MB.
    static final int STRING_BYTES_MAX = 64 << 20;

    /// Array elements of a whole file: the largest vocabularies hold 262,144 tokens with a score and a type
    /// each and about 600,000 merges; this is six times that, and bounds what a file can make the heap hold.
    static final int ELEMENTS_MAX = 1 << 23;

    /// Arrays within arrays: the format sets no limit and files use none; recursion needs one.
    static final int DEPTH_MAX = 4;

    private final ByteReader reader;
    private long elementsLeft = ELEMENTS_MAX;

    GgufValues(ByteReader reader) {
        this.reader = reader;
    }

    /// The value that starts here: its type, then its bytes. `what` names it in messages.
    MetadataValue value(String what) {
        ValueType type = type(what);
        return switch (type) {
            case UINT8, INT8, UINT16, INT16, UINT32, INT32, UINT64, INT64 ->
                new MetadataValue.Whole(type, whole(type, what));
            case FLOAT32, FLOAT64 -> new MetadataValue.Real(type, real(type, what));
            case BOOL -> new MetadataValue.Flag(flag(what));
            case STRING -> new MetadataValue.Text(reader.lenientString(what, STRING_BYTES_MAX));
            case ARRAY -> array(what, 1);
        };
    }

    private ValueType type(String what) {
        int number = reader.int32(what + " type");
        return ValueType.ofNumber(number)
                .orElseThrow(() ->
                        reader.mismatch(what + " type", "a known type", "number " + Integer.toUnsignedString(number)));
    }

    private MetadataValue.Array array(String what, int depth) {
        if (depth > DEPTH_MAX) {
            throw reader.mismatch(what, "arrays nested at most " + DEPTH_MAX + " deep", "deeper ones");
        }
        ValueType type = type(what + " element");
        int length = reader.count(what + " length", elementsLeft, type.sizeBytes());
        elementsLeft -= length;
        return switch (type) {
            case UINT8, INT8, UINT16, INT16, UINT32, INT32, UINT64, INT64 -> wholes(type, length, what);
            case FLOAT32, FLOAT64 -> reals(type, length, what);
            case BOOL -> flags(length, what);
            case STRING -> texts(length, what);
            case ARRAY -> nested(length, what, depth);
        };
    }

    private MetadataValue.Wholes wholes(ValueType type, int length, String what) {
        long[] wholes = new long[length];
        for (int i = 0; i < length; i++) {
            wholes[i] = whole(type, what);
        }
        return new MetadataValue.Wholes(type, wholes);
    }

    private MetadataValue.Reals reals(ValueType type, int length, String what) {
        double[] reals = new double[length];
        for (int i = 0; i < length; i++) {
            reals[i] = real(type, what);
        }
        return new MetadataValue.Reals(type, reals);
    }

    private MetadataValue.Flags flags(int length, String what) {
        boolean[] flags = new boolean[length];
        for (int i = 0; i < length; i++) {
            flags[i] = flag(what);
        }
        return new MetadataValue.Flags(flags);
    }

    private MetadataValue.Texts texts(int length, String what) {
        List<String> texts = new ArrayList<>(length);
        for (int i = 0; i < length; i++) {
            texts.add(reader.lenientString(what, STRING_BYTES_MAX));
        }
        return new MetadataValue.Texts(texts);
    }

    private MetadataValue.Nested nested(int length, String what, int depth) {
        List<MetadataValue.Array> arrays = new ArrayList<>(length);
        for (int i = 0; i < length; i++) {
            arrays.add(array(what, depth + 1));
        }
        return new MetadataValue.Nested(arrays);
    }

    private long whole(ValueType type, String what) {
        return switch (type) {
            case UINT8 -> Byte.toUnsignedLong(reader.int8(what));
            case INT8 -> reader.int8(what);
            case UINT16 -> Short.toUnsignedLong(reader.int16(what));
            case INT16 -> reader.int16(what);
            case UINT32 -> Integer.toUnsignedLong(reader.int32(what));
            case INT32 -> reader.int32(what);
            case UINT64 -> unsigned(reader.int64(what), what);
            case INT64 -> reader.int64(what);
            case FLOAT32, FLOAT64, BOOL, STRING, ARRAY -> throw reader.mismatch(what, "an integer", type);
        };
    }

    private long unsigned(long value, String what) {
        if (value < 0) {
            throw reader.mismatch(what, "at most " + Long.MAX_VALUE, Long.toUnsignedString(value));
        }
        return value;
    }

    private double real(ValueType type, String what) {
        return type == ValueType.FLOAT32
                ? Float.intBitsToFloat(reader.int32(what))
                : Double.longBitsToDouble(reader.int64(what));
    }

    /// Any byte but 0 is true, as in ggml: files with other bytes than 0 and 1 exist.
    private boolean flag(String what) {
        return reader.int8(what) != 0;
    }
}
