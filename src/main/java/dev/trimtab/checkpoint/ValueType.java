package dev.trimtab.checkpoint;

import java.util.List;
import java.util.Optional;

/// GGUF's metadata value types, with their numbers in the file (`enum gguf_type`).
public enum ValueType {
    UINT8(0, 1),
    INT8(1, 1),
    UINT16(2, 2),
    INT16(3, 2),
    UINT32(4, 4),
    INT32(5, 4),
    FLOAT32(6, 4),
    BOOL(7, 1),
    STRING(8, 8),
    ARRAY(9, 12),
    UINT64(10, 8),
    INT64(11, 8),
    FLOAT64(12, 8);

    private static final List<ValueType> BY_NUMBER = List.of(values());

    private final int number;
    private final int sizeBytes;

    ValueType(int number, int sizeBytes) {
        this.number = number;
        this.sizeBytes = sizeBytes;
    }

    /// The type with this number; empty for numbers that mean none.
    static Optional<ValueType> ofNumber(int number) {
        return BY_NUMBER.stream().filter(type -> type.number == number).findFirst();
    }

    int number() {
        return number;
    }

    /// Bytes of a value in the file; of strings and arrays, which vary, the fewest possible.
    int sizeBytes() {
        return sizeBytes;
    }

    /// Whether this is a type of integers and `value` in its range (of `UINT64`, as far as a `long` goes).
    boolean holds(long value) {
        return switch (this) {
            case UINT8, UINT16, UINT32 -> value >= 0 && value < 1L << (8 * sizeBytes);
            case INT8, INT16, INT32 -> value == value << (64 - 8 * sizeBytes) >> (64 - 8 * sizeBytes);
            case UINT64 -> value >= 0;
            case INT64 -> true;
            case FLOAT32, FLOAT64, BOOL, STRING, ARRAY -> false;
        };
    }
}
