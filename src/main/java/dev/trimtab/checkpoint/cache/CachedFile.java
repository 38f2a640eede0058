package dev.trimtab.checkpoint.cache;

import dev.trimtab.checkpoint.io.ByteReader;
import dev.trimtab.checkpoint.io.ByteWriter;
import dev.trimtab.checkpoint.io.FileOutput;
import dev.trimtab.error.BadCheckpoint;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.System.Logger.Level;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Function;
import java.util.zip.CRC32C;

/// A file of a format of our own, named by the digest of what it depends on. Its layout:
///
/// 1. 8 bytes `TRIMTAB` and a version, 1;
/// 2. the digest again, as a string (u64 length, 64 hexadecimal digits);
/// 3. u64 CRC-32C of the content;
/// 4. the content.
///
/// Whatever is wrong with it, it is made anew: a cache that cannot be read or written costs time, never an
/// answer.
///
/// @param kind stands in the name and in warnings
public record CachedFile(Path folder, String kind, String digest) {
    private static final System.Logger LOG = System.getLogger(CachedFile.class.getName());

    /// `TRIMTAB` and a 1, little-endian.
    private static final long MAGIC = 0x0142_4154_4d49_5254L;

    /// What is read lies in one Java array, which holds little more.
    public static final long SIZE_MAX = (2L << 30) - (1 << 20);

    private static final int DIGEST_LENGTH = 64;

    public Path path() {
        return folder.resolve(kind + "-" + digest + ".bin");
    }

    /// What `parse` makes of the content; empty where there is none, or, after a warning, where it is corrupt.
    public <T> Optional<T> read(Function<ByteReader, T> parse) {
        if (!Files.isRegularFile(path())) {
            return Optional.empty();
        }
        try {
            if (Files.size(path()) > SIZE_MAX) {
                throw new BadCheckpoint(path() + ": at most " + SIZE_MAX + " bytes expected");
            }
            byte[] bytes = Files.readAllBytes(path());
            ByteReader reader = new ByteReader(path().toString(), MemorySegment.ofArray(bytes));
            checkHead(reader, bytes);
            T parsed = parse.apply(reader);
            if (reader.remaining() > 0) {
                throw reader.mismatch("end", "no more bytes", reader.remaining());
            }
            return Optional.of(parsed);
        } catch (IOException | BadCheckpoint e) {
            LOG.log(Level.WARNING, "the cached {0} is made anew: {1}", kind, e.getMessage());
            delete();
            return Optional.empty();
        }
    }

    /// So that nobody stumbles over it again, should it not be made anew.
    private void delete() {
        try {
            Files.deleteIfExists(path());
        } catch (IOException e) {
            LOG.log(Level.DEBUG, "{0} stays: {1}", path(), e.getMessage());
        }
    }

    private void checkHead(ByteReader reader, byte[] bytes) {
        long magic = reader.int64("magic");
        if (magic != MAGIC) {
            throw reader.mismatch("magic", Long.toHexString(MAGIC), Long.toHexString(magic));
        }
        String found = reader.strictString("digest", DIGEST_LENGTH);
        if (!found.equals(digest)) {
            throw reader.mismatch("digest", digest, found);
        }
        long expected = reader.int64("checksum");
        CRC32C checksum = new CRC32C();
        int from = Math.toIntExact(reader.position());
        checksum.update(ByteBuffer.wrap(bytes, from, bytes.length - from));
        if (checksum.getValue() != expected) {
            throw reader.mismatch("checksum", expected, checksum.getValue());
        }
    }

    /// Writes `content`, or says in a warning why it could not.
    public void write(byte[] content) {
        write(channel -> FileOutput.write(channel, content));
    }

    /// As [#write(byte[])], for what is too large to copy; `content` is run twice, the first time for its checksum.
    public void write(FileOutput.Content content) {
        try {
            ChecksumChannel checksum = new ChecksumChannel();
            content.write(checksum);
            byte[] head = new ByteWriter()
                    .int64(MAGIC)
                    .string(digest)
                    .int64(checksum.value())
                    .toBytes();
            if (head.length + checksum.sizeBytes() > SIZE_MAX) {
                LOG.log(Level.WARNING, "the {0} is not kept: it has over {1} bytes", kind, SIZE_MAX);
                return;
            }
            Files.createDirectories(folder);
            FileOutput.write(path(), channel -> {
                FileOutput.write(channel, head);
                content.write(channel);
            });
        } catch (IOException | UncheckedIOException e) {
            LOG.log(Level.WARNING, "the {0} could not be kept and is made anew next time: {1}", kind, e.getMessage());
        }
    }
}
