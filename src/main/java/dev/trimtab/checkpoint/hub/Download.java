package dev.trimtab.checkpoint.hub;

import dev.trimtab.error.BadCheckpoint;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Optional;
import java.util.function.LongConsumer;

/// Fetches the contents of one file: goes on from what is there, checks length and hash, and only then gives
/// them their name. Under the repository's lock.
final class Download {
    /// Less than this before a connection breaks is no progress: it counts as a failed attempt.
    private static final long PROGRESS_BYTES = 1 << 20;

    private final HubClient client;
    private final RepositoryCache cache;
    private final HubReference reference;
    private final String commit;

    Download(HubClient client, RepositoryCache cache, HubReference reference, String commit) {
        this.client = client;
        this.cache = cache;
        this.reference = reference;
        this.commit = commit;
    }

    /// Makes the contents of `file` be there; `progress` hears how many of its bytes are.
    ///
    /// @throws BadCheckpoint when the hub sends other bytes than it listed; they are gone then
    void fetch(RemoteFile file, LongConsumer progress) {
        Path blob = cache.blob(file);
        Path part = blob.resolveSibling(blob.getFileName() + ".part");
        cache.work(() -> Files.createDirectories(blob.getParent()));
        boolean resumed = size(part) > 0;
        complete(file, part, progress);
        Optional<ContentHash> wrong = wrongHash(file, part);
        if (wrong.isPresent() && resumed) { // what an earlier run left may be the fault
            cache.work(() -> Files.deleteIfExists(part));
            complete(file, part, progress);
            wrong = wrongHash(file, part);
        }
        if (wrong.isPresent()) {
            cache.work(() -> Files.deleteIfExists(part));
            throw BadCheckpoint.mismatch(reference + ": " + file.path(), file.hash(), wrong.get());
        }
        cache.work(() -> Files.move(part, blob, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING));
    }

    private Optional<ContentHash> wrongHash(RemoteFile file, Path part) {
        ContentHash found = cache.work(() -> file.hash().of(part));
        return found.equals(file.hash()) ? Optional.empty() : Optional.of(found);
    }

    private void complete(RemoteFile file, Path part, LongConsumer progress) {
        if (size(part) > file.sizeBytes()) {
            cache.work(() -> Files.deleteIfExists(part));
        }
        boolean complete = false;
        while (!complete) {
            complete = client.retry().run(reference + ": " + file.path(), () -> advance(file, part, progress));
        }
    }

    /// One connection's worth; true when all bytes are there, false when some came and more are to.
    private boolean advance(RemoteFile file, Path part, LongConsumer progress)
            throws IOException, InterruptedException {
        long before = size(part);
        try (FileChannel out =
                cache.work(() -> FileChannel.open(part, StandardOpenOption.CREATE, StandardOpenOption.WRITE))) {
            if (before < file.sizeBytes()) {
                receive(file, out, before, progress);
            }
            cache.work(() -> {
                out.force(true);
                return part;
            });
            return true;
        } catch (IOException e) {
            if (size(part) - before >= PROGRESS_BYTES) {
                return false;
            }
            throw e;
        }
    }

    private void receive(RemoteFile file, FileChannel out, long before, LongConsumer progress)
            throws IOException, InterruptedException {
        try (HubClient.Answer answer = client.download(reference, commit, file, before)) {
            long from = answer.status() == 206 ? before : 0; // a server without ranges begins anew
            cache.work(() -> out.truncate(from));
            if (answer.status() == 416) {
                throw new IOException("the server does not go on from byte " + before);
            }
            check(file, answer, from);
            long at = from;
            for (List<ByteBuffer> buffers = answer.body().next();
                    buffers != null;
                    buffers = answer.body().next()) {
                at = append(file, out, at, buffers);
                progress.accept(at);
            }
            if (at < file.sizeBytes()) {
                throw new IOException("it ended after " + at + " of " + file.sizeBytes() + " bytes");
            }
        }
    }

    /// Sees early what the hash would show late.
    private void check(RemoteFile file, HubClient.Answer answer, long from) {
        answer.sha256()
                .filter(_ -> file.hash().kind() == ContentHash.Kind.SHA256)
                .ifPresent(sha256 -> {
                    if (!sha256.equals(file.hash().hex())) {
                        throw BadCheckpoint.mismatch(
                                reference + ": " + file.path() + ": ETag", file.hash(), "SHA-256 " + sha256);
                    }
                });
        long whole = from + answer.length().orElse(file.sizeBytes() - from);
        boolean fits = answer.status() != 206
                || answer.contentRange()
                        .equals("bytes " + from + "-" + (file.sizeBytes() - 1) + "/" + file.sizeBytes());
        if (whole != file.sizeBytes() || !fits) {
            throw BadCheckpoint.mismatch(
                    reference + ": " + file.path() + ": length",
                    file.sizeBytes() + " bytes as listed",
                    whole + " " + answer.contentRange());
        }
    }

    private long append(RemoteFile file, FileChannel out, long at, List<ByteBuffer> buffers) {
        long position = at;
        for (ByteBuffer buffer : buffers) {
            if (position + buffer.remaining() > file.sizeBytes()) {
                cache.work(() -> out.truncate(0));
                throw BadCheckpoint.mismatch(
                        reference + ": " + file.path() + ": length", file.sizeBytes() + " bytes as listed", "more");
            }
            while (buffer.hasRemaining()) {
                long to = position;
                position += cache.work(() -> out.write(buffer, to));
            }
        }
        return position;
    }

    private long size(Path part) {
        return cache.work(() -> Files.exists(part) ? Files.size(part) : 0L);
    }
}
