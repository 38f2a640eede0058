package dev.trimtab.compress.export;

import dev.trimtab.checkpoint.io.FileOutput;
import dev.trimtab.checkpoint.io.MappedFiles;
import dev.trimtab.tensor.Encoding;
import dev.trimtab.tensor.Shape;
import dev.trimtab.tensor.Tensor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;

/// Tensors on their way to a file: a format's header comes first and holds all sizes, but weights are made one by
/// one, each as large as memory may allow only once. They wait in a temporary file beside the one to be written.
final class Spool implements AutoCloseable {
    private final Path file;
    private final FileChannel channel;
    private final MappedFiles mapped = new MappedFiles();
    private final List<Waiting> waiting = new ArrayList<>();
    private long end;

    /// A tensor but for its bytes.
    ///
    /// @param data of one that lies in a checkpoint's file and is left there; else nothing
    /// @param offset of its bytes in this file
    private record Waiting(String name, Encoding encoding, Shape shape, MemorySegment data, long offset) {
        Tensor in(MemorySegment file) {
            long sizeBytes = encoding.sizeBytes(shape.elements());
            return new Tensor(name, encoding, shape, data.isMapped() ? data : file.asSlice(offset, sizeBytes));
        }
    }

    /// Waits beside `target`, an absolute path.
    Spool(Path target) {
        Path folder = target.resolveSibling("");
        try {
            this.file = Files.createTempFile(folder, "trimtab.", ".spool");
            this.channel = FileChannel.open(file, StandardOpenOption.WRITE);
        } catch (IOException e) {
            throw new UncheckedIOException(folder + ": cannot be written to: " + e.getMessage(), e);
        }
    }

    /// Takes `tensor`, whose memory is not needed afterwards unless a file is mapped there.
    void add(Tensor tensor) {
        if (tensor.data().isMapped()) {
            waiting.add(new Waiting(tensor.name(), tensor.encoding(), tensor.shape(), tensor.data(), 0));
            return;
        }
        try {
            FileOutput.write(channel, tensor.data());
        } catch (IOException e) {
            throw new UncheckedIOException(file + ": cannot be written: " + e.getMessage(), e);
        }
        waiting.add(new Waiting(tensor.name(), tensor.encoding(), tensor.shape(), MemorySegment.NULL, end));
        end += tensor.sizeBytes();
    }

    boolean isEmpty() {
        return waiting.isEmpty();
    }

    /// All that was added, in order; they live until this is closed, and nothing may be added any more.
    List<Tensor> tensors() {
        MemorySegment all = end == 0 ? MemorySegment.NULL : mapped.map(file);
        return waiting.stream().map(entry -> entry.in(all)).toList();
    }

    @Override
    public void close() {
        mapped.close();
        try {
            channel.close();
            Files.deleteIfExists(file);
        } catch (IOException e) {
            throw new UncheckedIOException(file + ": cannot be removed: " + e.getMessage(), e);
        }
    }
}
