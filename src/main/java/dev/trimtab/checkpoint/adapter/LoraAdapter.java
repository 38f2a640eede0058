package dev.trimtab.checkpoint.adapter;

import dev.trimtab.checkpoint.io.MappedFiles;
import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.NotFound;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/// An opened LoRA adapter: for some of a model's matrices two small factors each, all checked, as views of mapped
/// memory that [#close()] unmaps. It belongs to no model yet: [AdapterBase#fit] says whether it fits one.
public final class LoraAdapter implements AutoCloseable {
    /// The largest mixtures have 90,000 matrices, when each expert counts; adapters of more than attention and
    /// feed-forward of 1,024 layers are not known.
    private static final int TARGETS_MAX = 1 << 14;

    /// mistral.rs' limit.
    private static final long SIZE_BYTES_MAX = 8L << 30;

    private final Contents contents;
    private final MappedFiles files;

    /// What a reader found.
    ///
    /// @param source the file or folder
    /// @param architecture of the base, where the format says it
    /// @param headRows the order of q's and k's rows
    /// @param targets by canonical name of the matrix
    record Contents(String source, Optional<String> architecture, HeadRows headRows, Map<String, LoraTarget> targets) {
        Contents {
            targets = Collections.unmodifiableMap(new LinkedHashMap<>(targets));
            if (targets.isEmpty() || targets.size() > TARGETS_MAX) {
                throw BadCheckpoint.mismatch(
                        "adapter " + source, "1.." + TARGETS_MAX + " adapted matrices", targets.size());
            }
            long sizeBytes = bytesOf(targets.values());
            if (sizeBytes > SIZE_BYTES_MAX) {
                throw BadCheckpoint.mismatch(
                        "adapter " + source, "at most " + SIZE_BYTES_MAX + " bytes of factors", sizeBytes);
            }
        }
    }

    private LoraAdapter(Contents contents, MappedFiles files) {
        this.contents = contents;
        this.files = files;
    }

    /// Maps and checks the adapter at `path`: a GGUF file, or a folder as PEFT writes it.
    ///
    /// @throws NotFound when there is nothing
    /// @throws BadCheckpoint when it breaks its format's rules or holds a number that is not finite
    /// @throws dev.trimtab.error.Unsupported for kinds of adapters other than LoRA
    public static LoraAdapter open(Path path) {
        if (!Files.exists(path)) {
            throw new NotFound("adapter " + path + " does not exist");
        }
        MappedFiles files = new MappedFiles();
        try {
            return files.reading(() -> new LoraAdapter(read(path, files), files));
        } catch (RuntimeException | Error e) {
            files.close();
            throw e;
        }
    }

    private static Contents read(Path path, MappedFiles files) {
        Contents contents;
        if (Files.isDirectory(path)) {
            contents = PeftFolder.read(path, files);
        } else {
            MemorySegment bytes = files.map(path);
            contents = GgufAdapter.read(path.toString(), bytes);
        }
        contents.targets().values().forEach(LoraTarget::checkValues);
        return contents;
    }

    /// Runs `use`, which reads the factors.
    ///
    /// @throws BadCheckpoint when a file changed since it was opened
    public <T> T reading(Supplier<T> use) {
        return files.reading(use);
    }

    public String source() {
        return contents.source();
    }

    /// GGUF's name for the base's family, where the format says it: PEFT does not.
    public Optional<String> architecture() {
        return contents.architecture();
    }

    public HeadRows headRows() {
        return contents.headRows();
    }

    /// By canonical name of the matrix, in the file's order.
    public Map<String, LoraTarget> targets() {
        return contents.targets();
    }

    /// The largest rank.
    public int rank() {
        return targets().values().stream().mapToInt(LoraTarget::rank).max().orElse(0);
    }

    /// Bytes of all factors as they are stored.
    public long sizeBytes() {
        return bytesOf(targets().values());
    }

    private static long bytesOf(Collection<LoraTarget> targets) {
        return targets.stream().mapToLong(LoraTarget::sizeBytes).sum();
    }

    @Override
    public void close() {
        files.close();
    }
}
