package dev.trimtab.checkpoint;

/// GGUF's metadata value types; the ordinal is the number in the file.
public enum ValueType {
    UINT8,
    INT8,
    UINT16,
    INT16,
    UINT32,
    INT32,
    FLOAT32,
    BOOL,
    STRING,
    ARRAY,
    UINT64,
    INT64,
    FLOAT64
}
