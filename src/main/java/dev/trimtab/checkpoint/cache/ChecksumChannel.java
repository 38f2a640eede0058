package dev.trimtab.checkpoint.cache;

import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.util.zip.CRC32C;

/// Keeps of what is written only its CRC-32C and how much it was.
final class ChecksumChannel implements WritableByteChannel {
    private final CRC32C checksum = new CRC32C();
    private long sizeBytes;

    long value() {
        return checksum.getValue();
    }

    long sizeBytes() {
        return sizeBytes;
    }

    @Override
    public int write(ByteBuffer bytes) {
        int count = bytes.remaining();
        checksum.update(bytes);
        sizeBytes += count;
        return count;
    }

    @Override
    public boolean isOpen() {
        return true;
    }

    @Override
    public void close() {}
}
