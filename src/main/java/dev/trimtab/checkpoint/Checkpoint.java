package dev.trimtab.checkpoint;

import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/// An opened checkpoint: metadata and named tensors, all checked, as read-only views of mapped memory.
///
/// It owns the mapping: after [#close()] every tensor view throws. Models copy what they need while they pack it, so a
/// checkpoint lives only as long as a load.
public final class Checkpoint implements AutoCloseable {
    private final Metadata metadata;
    private final Map<String, Tensor> tensors;
    private final Arena arena;

    /// Takes over `arena`, which the tensors' memory must belong to.
    Checkpoint(Metadata metadata, Map<String, Tensor> tensors, Arena arena) {
        this.metadata = metadata;
        this.tensors = Collections.unmodifiableMap(new LinkedHashMap<>(tensors));
        this.arena = arena;
    }

    /// Maps and checks the checkpoint at `path`.
    ///
    /// @throws BadCheckpoint when the file breaks its format's rules
    /// @throws dev.trimtab.error.NotFound when there is no such file
    /// @throws dev.trimtab.error.Unsupported when it holds an encoding that nothing here knows
    public static Checkpoint open(Path path) {
        return of(path.toString(), MemorySegment.NULL);
    }

    /// As [#open(Path)] for bytes already in memory (the embedded model), which must stay alive and unchanged;
    /// `source` names them in messages.
    public static Checkpoint of(String source, MemorySegment bytes) {
        return Optional.<Checkpoint>empty().orElseThrow(() -> new BadCheckpoint(source + ": " + bytes));
    }

    public Metadata metadata() {
        return metadata;
    }

    /// The tensors in the file's order by canonical (GGUF) name.
    public Map<String, Tensor> tensors() {
        return tensors;
    }

    public Optional<Tensor> find(String name) {
        return Optional.ofNullable(tensors.get(name));
    }

    /// The tensor `name`.
    ///
    /// @throws BadCheckpoint when there is none
    public Tensor tensor(String name) {
        return find(name).orElseThrow(() -> new BadCheckpoint(metadata.source() + ": tensor " + name + " is missing"));
    }

    @Override
    public void close() {
        arena.close();
    }
}
