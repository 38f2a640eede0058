package dev.trimtab.kernel;

/// How keys and values are held in the KV cache.
public enum KvEncoding {
    F32(4),
    F16(2),
    BF16(2);

    private final int elementBytes;

    KvEncoding(int elementBytes) {
        this.elementBytes = elementBytes;
    }

    public int elementBytes() {
        return elementBytes;
    }
}
