package dev.trimtab.model;

import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.Unsupported;
import dev.trimtab.kernel.EmbeddingTable;
import dev.trimtab.kernel.Kernels;
import dev.trimtab.kernel.LinearOperator;
import dev.trimtab.kernel.PackedFormat;
import dev.trimtab.kernel.memory.MappedPages;
import dev.trimtab.tensor.Dequantizer;
import dev.trimtab.tensor.Shape;
import dev.trimtab.tensor.Tensor;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;

/// Takes a checkpoint's tensors one by one: checks the shape, decodes or packs, and notes what was taken, so
/// that what the wiring would ignore is refused in the end.
final class TensorReader {
    private final Checkpoint checkpoint;
    private final Kernels kernels;
    private final ModelLoader.Options options;
    private final LoadListener listener;
    private final Arena arena;
    private final long totalBytes;
    private final Set<String> taken = new HashSet<>();
    private long doneBytes;

    /// Packs into `arena`.
    TensorReader(
            Checkpoint checkpoint, Kernels kernels, ModelLoader.Options options, LoadListener listener, Arena arena) {
        this.checkpoint = checkpoint;
        this.kernels = kernels;
        this.options = options;
        this.listener = listener;
        this.arena = arena;
        this.totalBytes = checkpoint.tensors().values().stream()
                .mapToLong(Tensor::sizeBytes)
                .sum();
    }

    boolean has(String name) {
        return checkpoint.find(name).isPresent();
    }

    /// The tensor `name` of `shape`.
    ///
    /// @throws BadCheckpoint when it is missing or has another shape
    Tensor tensor(String name, long... shape) {
        Tensor tensor = checkpoint.tensor(name);
        taken.add(tensor.name());
        Shape expected = Shape.of(shape);
        if (!tensor.shape().equals(expected)) {
            throw BadCheckpoint.mismatch(
                    checkpoint.metadata().source() + ": tensor " + tensor.name(), expected, tensor.shape());
        }
        return tensor;
    }

    /// Leaves `name`, which need not exist, out of what is refused.
    void ignore(String name) {
        taken.add(name);
    }

    /// A vector, decoded.
    float[] vector(String name, int length) {
        Tensor tensor = decodable(tensor(name, length));
        float[] values = new float[length];
        Dequantizer.decode(tensor.encoding(), tensor.data(), 0, values, 0, length);
        MappedPages.release(tensor.data());
        return values;
    }

    /// As [#vector], or nothing where there is no such tensor.
    float[] optionalVector(String name, int length) {
        return has(name) ? vector(name, length) : new float[0];
    }

    /// A matrix `[rows, columns]`, packed.
    LinearOperator matrix(Tensor tensor) {
        PackedFormat format = options.formatOf(tensor);
        kernels.prepare(format, options.precision());
        LinearOperator packed = kernels.linear(decodable(tensor), format, options.precision(), arena);
        MappedPages.release(tensor.data());
        doneBytes += tensor.sizeBytes();
        listener.packed(doneBytes, totalBytes);
        return packed;
    }

    /// A matrix whose rows are looked up: as it is stored, unless a format is asked for.
    EmbeddingTable table(Tensor tensor) {
        if (options.formats().of(tensor.name()).isPresent()) {
            return matrix(tensor);
        }
        EmbeddingTable table = EmbeddingTable.encoded(decodable(tensor), arena);
        MappedPages.release(tensor.data());
        return table;
    }

    /// The matrix `{name}.weight` and, where it has one, `{name}.bias`.
    Affine affine(String name, int rows, int columns) {
        return new Affine(matrix(tensor(name + ".weight", rows, columns)), optionalVector(name + ".bias", rows));
    }

    /// The rows `[first, first + count)` of `{name}.weight`, which has `rows`, and of its bias.
    Affine slice(String name, int rows, int columns, int first, int count) {
        float[] bias = optionalVector(name + ".bias", rows);
        return new Affine(
                matrix(tensor(name + ".weight", rows, columns).rows(first, count)),
                bias.length == 0 ? bias : Arrays.copyOfRange(bias, first, first + count));
    }

    /// A weight the wiring would ignore changes the answers silently; better none than wrong ones.
    ///
    /// @throws Unsupported naming a tensor that nothing took
    void refuseRest() {
        Optional<String> rest = checkpoint.tensors().keySet().stream()
                .filter(name -> !taken.contains(name))
                .findFirst();
        if (rest.isPresent()) {
            throw new Unsupported(checkpoint.metadata().source() + ": tensor " + rest.get()
                    + ": models of this architecture are computed without it");
        }
    }

    private Tensor decodable(Tensor tensor) {
        if (!Dequantizer.canDecode(tensor.encoding())) {
            throw new Unsupported(checkpoint.metadata().source() + ": tensor " + tensor.name() + ": encoding "
                    + tensor.encoding() + " is not supported");
        }
        return tensor;
    }
}
