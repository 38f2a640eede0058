package dev.trimtab.checkpoint.io;

import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.NotFound;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Supplier;

/// The files of one checkpoint, mapped read-only into one shared arena, with a watch on their being
/// changed meanwhile.
///
/// A mapping is no snapshot. Where the file behind it shrinks, pages past its new end fault and the JVM
/// throws `InternalError`; the rest of the last page reads as zeros without any fault; and a rewrite in place
/// is seen half done. So [#reading(Supplier)] turns the first into [BadCheckpoint] and afterwards looks for
/// the other two. Replacing a file by renaming another over it is harmless: the mapping keeps the old one.
public final class MappedFiles implements AutoCloseable {
    /// A line of the cache.
    private static final long ALLOCATION_ALIGNMENT = 64;

    private final Arena arena = Arena.ofShared();
    private final List<MappedFile> files = new ArrayList<>();

    /// What a file was when it was mapped; the channel stays open because only it still means the mapped file
    /// after a rename.
    private record MappedFile(Path path, FileChannel channel, long sizeBytes, FileTime modified, String key) {
        static MappedFile open(Path path) throws IOException {
            BasicFileAttributes attributes = Files.readAttributes(path, BasicFileAttributes.class);
            FileChannel channel = FileChannel.open(path, StandardOpenOption.READ);
            return new MappedFile(path, channel, attributes.size(), attributes.lastModifiedTime(), key(attributes));
        }

        void checkUnchanged() {
            try {
                long found = channel.size();
                if (found != sizeBytes) {
                    throw BadCheckpoint.mismatch(path + ": size when read", sizeBytes, found);
                }
                BasicFileAttributes attributes = Files.readAttributes(path, BasicFileAttributes.class);
                boolean sameFile = key(attributes).equals(key);
                if (sameFile && !attributes.lastModifiedTime().equals(modified)) {
                    throw BadCheckpoint.mismatch(
                            path + ": time of change when read", modified, attributes.lastModifiedTime());
                }
            } catch (NoSuchFileException _) {
                // Deleted or renamed: the mapping still holds it whole.
                return;
            } catch (IOException e) {
                throw new BadCheckpoint(path + ": cannot be read: " + e.getMessage(), e);
            }
        }

        private static String key(BasicFileAttributes attributes) {
            return Objects.toString(attributes.fileKey());
        }
    }

    /// Maps the whole of `path`.
    ///
    /// @throws NotFound when there is no such file
    /// @throws BadCheckpoint when it cannot be read
    public MemorySegment map(Path path) {
        if (!Files.exists(path)) {
            throw new NotFound(path + " does not exist");
        }
        try {
            MappedFile file = MappedFile.open(path);
            files.add(file);
            return file.channel().map(FileChannel.MapMode.READ_ONLY, 0, file.sizeBytes(), arena);
        } catch (IOException e) {
            throw new BadCheckpoint(path + ": cannot be read: " + e.getMessage(), e);
        }
    }

    /// Zeroed memory that lives as long as the mappings.
    public MemorySegment allocate(long sizeBytes) {
        return arena.allocate(sizeBytes, ALLOCATION_ALIGNMENT);
    }

    /// Runs `load`, which may read the mappings on this thread or others, and answers its result if the files
    /// stayed whole.
    ///
    /// @throws BadCheckpoint when a file was truncated or rewritten since it was mapped
    public <T> T reading(Supplier<T> load) {
        try {
            T loaded = load.get();
            files.forEach(MappedFile::checkUnchanged);
            return loaded;
        } catch (RuntimeException | Error e) {
            if (isFault(e)) {
                throw new BadCheckpoint(names() + ": cut short, or unreadable, while it was read", e);
            }
            throw e;
        }
    }

    /// Whether HotSpot threw it for a fault in mapped memory. It may come a little after the access, hence
    /// the checks within the `try` above, and on another thread, hence the causes.
    private static boolean isFault(Throwable thrown) {
        for (Throwable cause = thrown; cause != null; cause = cause.getCause()) {
            if (cause instanceof InternalError
                    && String.valueOf(cause.getMessage()).contains("unsafe memory access")) {
                return true;
            }
        }
        return false;
    }

    private String names() {
        return String.join(
                ", ", files.stream().map(file -> file.path().toString()).toList());
    }

    @Override
    public void close() {
        if (!arena.scope().isAlive()) {
            return;
        }
        arena.close();
        for (MappedFile file : files) {
            try {
                file.channel().close();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
