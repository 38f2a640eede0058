package dev.trimtab.checkpoint;

import dev.trimtab.checkpoint.huggingface.ModelFolder;
import dev.trimtab.checkpoint.huggingface.TensorNames;
import dev.trimtab.checkpoint.io.MappedFiles;
import dev.trimtab.checkpoint.safetensors.SafetensorsReader;
import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.tensor.Shape;
import dev.trimtab.tensor.Tensor;
import dev.trimtab.tensor.TensorForm;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import java.util.stream.Stream;

/// An opened checkpoint: metadata and named tensors, all checked, as read-only views of mapped memory.
///
/// It owns the mapping: after [#close()] every tensor view throws. Models copy what they need while they pack
/// it, within [#reading(Supplier)], so a checkpoint lives only as long as a load.
public final class Checkpoint implements WeightSource, AutoCloseable {
    private final Metadata metadata;
    private final Map<String, Tensor> tensors;
    private final Map<String, Shape> shapes;
    private final Map<String, String> addresses = new ConcurrentHashMap<>();
    private final MappedFiles files;

    private Checkpoint(Contents contents, MappedFiles files) {
        this.metadata = contents.metadata();
        this.tensors = Collections.unmodifiableMap(new LinkedHashMap<>(contents.tensors()));
        Map<String, Shape> found = new LinkedHashMap<>();
        tensors.forEach((name, tensor) -> found.put(name, tensor.shape()));
        this.shapes = Collections.unmodifiableMap(found);
        this.files = files;
    }

    /// Maps and checks the checkpoint at `path`: a GGUF file (of a split one, the first), a safetensors file,
    /// or a folder as Hugging Face lays models out. The bytes decide which, not the name.
    ///
    /// @throws BadCheckpoint when a file breaks its format's rules
    /// @throws dev.trimtab.error.NotFound when there is no such file
    /// @throws dev.trimtab.error.Unsupported when it holds an encoding that nothing here knows
    public static Checkpoint open(Path path) {
        MappedFiles files = new MappedFiles();
        try {
            return files.reading(() -> new Checkpoint(contents(path, files), files));
        } catch (RuntimeException | Error e) {
            files.close();
            throw e;
        }
    }

    /// As [#open(Path)] for bytes already in memory (the embedded model), which must stay alive and unchanged
    /// and are not freed by [#close()]; `source` names them in messages.
    public static Checkpoint of(String source, MemorySegment bytes) {
        return new Checkpoint(GgufReader.read(source, bytes.asReadOnly()), new MappedFiles());
    }

    private static Contents contents(Path path, MappedFiles files) {
        if (Files.isDirectory(path)) {
            return ModelFolder.read(path, files);
        }
        MemorySegment bytes = files.map(path);
        return SafetensorsReader.recognizes(bytes) && !GgufReader.recognizes(bytes)
                ? ModelFolder.readFile(path, bytes, files)
                : GgufSplits.join(path, GgufReader.read(path.toString(), bytes), files);
    }

    /// The door through which tensors are read: runs `load` and answers what it answers. Every load goes
    /// through it, for a file can be cut or rewritten while it is mapped, and only here that becomes a
    /// failure with a name.
    ///
    /// @throws BadCheckpoint when the file changed since it was opened; nothing `load` made may then be
    /// used
    public <T> T reading(Supplier<T> load) {
        return files.reading(load);
    }

    @Override
    public Metadata metadata() {
        return metadata;
    }

    @Override
    public Map<String, Shape> shapes() {
        return shapes;
    }

    @Override
    public TensorForm form(String name) {
        return new TensorForm.Dense(tensor(name));
    }

    /// A hash of the bytes, made when first asked for.
    @Override
    public String address(String name) {
        Tensor tensor = tensor(name);
        return addresses.computeIfAbsent(tensor.name(), _ -> ContentHash.of(tensor));
    }

    /// The tensors in the file's order by canonical (GGUF) name.
    public Map<String, Tensor> tensors() {
        return tensors;
    }

    /// The tensor `name`, canonical or Hugging Face's.
    public Optional<Tensor> find(String name) {
        return Optional.ofNullable(tensors.get(name))
                .or(() -> TensorNames.canonical(metadata.string("general.architecture", ""), name)
                        .map(tensors::get));
    }

    /// Every way to name the tensor `name`: its canonical name first, then Hugging Face's.
    public List<String> namesOf(String name) {
        return Stream.concat(Stream.of(name), TensorNames.aliases(name).stream())
                .toList();
    }

    /// The tensor `name`.
    ///
    /// @throws BadCheckpoint when there is none
    public Tensor tensor(String name) {
        return find(name).orElseThrow(() -> new BadCheckpoint(metadata.source() + ": tensor " + name + " is missing"));
    }

    /// Unmaps the files; every tensor view of them throws from then on. Closing again does nothing.
    @Override
    public void close() {
        files.close();
    }
}
