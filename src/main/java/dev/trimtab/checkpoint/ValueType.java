package dev.trimtab.checkpoint;

/// GGUF's metadata value types; the ordinal is the number in the file.
public enum ValueType {
    UINT8(1),
    INT8(1),
    UINT16(2),
    INT16(2),
    UINT32(4),
    INT32(4),
    FLOAT32(4),
    BOOL(1),
    STRING(8),
    ARRAY(12),
    UINT64(8),
    INT64(8),
    FLOAT64(8);

    private final int sizeBytes;

    ValueType(int sizeBytes) {
        this.sizeBytes = sizeBytes;
    }

    /// Bytes of a value in the file; of strings and arrays, which vary, the fewest possible.
    int sizeBytes() {
        return sizeBytes;
    }
}
