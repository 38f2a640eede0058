package dev.trimtab.checkpoint.io;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/// Writes files whole or not at all, from bytes and from segments of any size.
public final class FileOutput {
    /// Bytes handed to a channel at a time, for views of segments that no `ByteBuffer` can span.
    private static final long CHUNK_BYTES = 64 << 20;

    private FileOutput() {}

    /// Writes a file's bytes in order.
    @FunctionalInterface
    public interface Content {
        void write(WritableByteChannel channel) throws IOException;
    }

    /// Writes `content` beside `path` and then renames it over, so that nobody sees it half done.
    ///
    /// @throws UncheckedIOException when the disk refuses, with the path
    public static void write(Path path, Content content) {
        Path target = path.toAbsolutePath();
        try {
            Path part = Files.createTempFile(target.getParent(), target.getFileName() + ".", ".part");
            try {
                try (FileChannel channel = FileChannel.open(part, StandardOpenOption.WRITE)) {
                    content.write(channel);
                    channel.force(true);
                }
                Files.move(part, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            } finally {
                Files.deleteIfExists(part);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(path + ": cannot be written: " + e.getMessage(), e);
        }
    }

    /// The bytes of `content`, for small ones.
    public static byte[] toBytes(Content content) {
        try (var bytes = new ByteArrayOutputStream()) {
            content.write(Channels.newChannel(bytes));
            return bytes.toByteArray();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public static void write(WritableByteChannel channel, MemorySegment data) throws IOException {
        for (long offset = 0; offset < data.byteSize(); offset += CHUNK_BYTES) {
            long size = Math.min(CHUNK_BYTES, data.byteSize() - offset);
            write(channel, data.asSlice(offset, size).asByteBuffer());
        }
    }

    public static void write(WritableByteChannel channel, byte[] bytes) throws IOException {
        write(channel, ByteBuffer.wrap(bytes));
    }

    private static void write(WritableByteChannel channel, ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }
}
