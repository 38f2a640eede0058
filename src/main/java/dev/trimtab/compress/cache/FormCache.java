package dev.trimtab.compress.cache;

import dev.trimtab.checkpoint.ContentHash;
import dev.trimtab.checkpoint.cache.CachedFile;
import dev.trimtab.checkpoint.io.ByteReader;
import dev.trimtab.tensor.Shape;
import dev.trimtab.tensor.TensorForm;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/// A folder of forms by their addresses ([dev.trimtab.checkpoint.WeightSource#address]), so that what took a
/// method minutes to make is read the next time. What is corrupt, or does not fit, is deleted and made anew; a
/// disk that refuses costs time only. Several processes may share a folder: entries appear whole.
///
/// @param bytesMax of all entries: those that were used longest ago go
public record FormCache(Path folder, long bytesMax) {
    /// The quantized forms of a few models of 8 billion weights, and little of a disk.
    public static final long BYTES_MAX = 20L << 30;

    /// Counts up with every change of what a method makes of the same weights, or of how forms are written.
    private static final int VERSION = 1;

    private static final String KIND = "form";

    private static final System.Logger LOG = System.getLogger(FormCache.class.getName());

    /// One of the usual size in `folder`, which is made; empty, after a warning, where it cannot be written.
    public static Optional<FormCache> open(Path folder) {
        try {
            Files.createDirectories(folder);
            if (Files.isWritable(folder)) {
                return Optional.of(new FormCache(folder, BYTES_MAX));
            }
            LOG.log(Level.WARNING, "{0} cannot be written: compressed forms are made anew at each load", folder);
        } catch (IOException e) {
            LOG.log(Level.WARNING, "compressed forms are made anew at each load: {0}", e.toString());
        }
        return Optional.empty();
    }

    /// The form with the address `address`, of `shape`, its tensors named `name`; empty where there is none.
    public Optional<TensorForm> read(String address, String name, Shape shape) {
        CachedFile file = file(address);
        Optional<TensorForm> found = file.read(reader -> parse(reader, name, shape));
        found.ifPresent(_ -> touch(file.path()));
        return found;
    }

    private static TensorForm parse(ByteReader reader, String name, Shape shape) {
        TensorForm form = new FormReader(reader, name).form();
        if (!form.shape().equals(shape)) {
            throw reader.mismatch("shape", shape, form.shape());
        }
        return form;
    }

    /// Keeps `form`, unless it alone is more than all may take.
    public void write(String address, TensorForm form) {
        if (form.sizeBytes() <= bytesMax) {
            file(address).write(channel -> new FormWriter(channel).form(form));
            evict();
        }
    }

    private CachedFile file(String address) {
        return new CachedFile(folder, KIND, ContentHash.of(KIND, Integer.toString(VERSION), address));
    }

    /// The time of its last change is when it was last used.
    private static void touch(Path file) {
        try {
            Files.setLastModifiedTime(file, FileTime.fromMillis(System.currentTimeMillis()));
        } catch (IOException e) {
            LOG.log(Level.DEBUG, "{0} counts as unused: {1}", file, e.getMessage());
        }
    }

    private record Entry(Path file, long sizeBytes, FileTime used) {}

    private void evict() {
        try {
            List<Entry> entries = entries();
            long bytes = entries.stream().mapToLong(Entry::sizeBytes).sum();
            entries.sort(Comparator.comparing(Entry::used));
            for (Entry entry : entries) {
                if (bytes <= bytesMax) {
                    return;
                }
                Files.deleteIfExists(entry.file());
                bytes -= entry.sizeBytes();
            }
        } catch (IOException | UncheckedIOException e) {
            LOG.log(Level.WARNING, "old entries of {0} could not be deleted: {1}", folder, e.getMessage());
        }
    }

    /// Remains of writes that were cut off among them.
    private List<Entry> entries() throws IOException {
        List<Entry> entries = new ArrayList<>();
        try (Stream<Path> files = Files.list(folder)) {
            List<Path> ours = files.filter(file -> file.getFileName().toString().startsWith(KIND + "-"))
                    .toList();
            for (Path file : ours) {
                // Another process may delete it meanwhile.
                if (Files.isRegularFile(file)) {
                    entries.add(new Entry(file, Files.size(file), Files.getLastModifiedTime(file)));
                }
            }
        }
        return entries;
    }
}
