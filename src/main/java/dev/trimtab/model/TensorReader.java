package dev.trimtab.model;

import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.checkpoint.WeightSource;
import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.Internal;
import dev.trimtab.error.Unsupported;
import dev.trimtab.kernel.EmbeddingTable;
import dev.trimtab.kernel.LinearOperator;
import dev.trimtab.kernel.LowRankOperator;
import dev.trimtab.kernel.PackedFormat;
import dev.trimtab.kernel.SumOperator;
import dev.trimtab.kernel.adapter.AdapterPass;
import dev.trimtab.kernel.adapter.AdapterSite;
import dev.trimtab.kernel.memory.MappedPages;
import dev.trimtab.model.observe.ForwardObserver.Half;
import dev.trimtab.model.observe.ObservedOperator;
import dev.trimtab.tensor.Dequantizer;
import dev.trimtab.tensor.Shape;
import dev.trimtab.tensor.Tensor;
import dev.trimtab.tensor.TensorForm;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/// Takes a checkpoint's tensors one by one: checks the shape, decodes or packs, and notes what was taken, so
/// that what the wiring would ignore is refused in the end.
final class TensorReader {
    private final WeightSource source;
    private final ModelLoader.Packing packing;
    private final ModelLoader.Options options;
    private final LoadListener listener;
    private final Scratch scratch;
    private final AdapterPass adapters;
    private final long totalElements;
    private final Set<String> taken = new HashSet<>();
    private final List<TensorStore.Lease> leases = new ArrayList<>();
    private long doneElements;

    /// Operators compute in `scratch`.
    TensorReader(
            WeightSource source,
            ModelLoader.Packing packing,
            ModelLoader.Options options,
            LoadListener listener,
            Scratch scratch) {
        this.scratch = scratch;
        this.adapters = new AdapterPass(scratch.tokens());
        this.source = source;
        this.packing = packing;
        this.options = options;
        this.listener = listener;
        this.totalElements =
                source.shapes().values().stream().mapToLong(Shape::elements).sum();
    }

    /// Where adapters find the matrices.
    AdapterPass adapters() {
        return adapters;
    }

    /// What was packed, for whoever owns the model from now on.
    List<TensorStore.Lease> leases() {
        return leases;
    }

    boolean has(String name) {
        return source.shapes().containsKey(name);
    }

    /// The weight `name` of `shape`.
    ///
    /// @throws BadCheckpoint when it is missing or has another shape
    Weight weight(String name, long... shape) {
        Shape found = source.shapes().get(name);
        if (found == null) {
            throw new BadCheckpoint(source.metadata().source() + ": tensor " + name + " is missing");
        }
        taken.add(name);
        Shape expected = Shape.of(shape);
        if (!found.equals(expected)) {
            throw BadCheckpoint.mismatch(source.metadata().source() + ": tensor " + name, expected, found);
        }
        return new Weight(source, name, found);
    }

    /// Leaves `name`, which need not exist, out of what is refused.
    void ignore(String name) {
        taken.add(name);
    }

    /// A vector, decoded.
    float[] vector(String name, int length) {
        TensorForm form = weight(name, length).form();
        float[] values = new float[length];
        decodable(name, form).row(0, values, 0);
        release(form);
        return values;
    }

    /// As [#vector], or nothing where there is no such tensor.
    float[] optionalVector(String name, int length) {
        return has(name) ? vector(name, length) : new float[0];
    }

    /// A matrix `[rows, columns]`, packed, and shown to the load's observer.
    LinearOperator matrix(Weight weight) {
        return matrix(weight, scratch);
    }

    /// As [#matrix(Weight)], which computes in `scratch`.
    LinearOperator matrix(Weight weight, Scratch scratch) {
        LinearOperator operator = packed(weight, scratch);
        return listener.observer()
                .<LinearOperator>map(observer -> new ObservedOperator(operator, weight.name(), observer))
                .orElse(operator);
    }

    private LinearOperator packed(Weight weight, Scratch scratch) {
        Optional<PackedFormat> format = options.formats().of(weight.name());
        String layout = " as " + format.map(PackedFormat::name).orElse("stored") + ", " + options.precision();
        Packed packed = take(weight, layout, arena -> pack(weight.name(), weight.form(), format, arena));
        return operator(packed, scratch);
    }

    /// A matrix whose rows are looked up: as it is stored, unless a format is asked for.
    EmbeddingTable table(Weight weight) {
        if (options.formats().of(weight.name()).isPresent()) {
            return matrix(weight);
        }
        Packed packed = take(weight, " as a table", arena -> switch (weight.form()) {
            case TensorForm.Dense(Tensor tensor) ->
                new Packed.Table(EmbeddingTable.encoded(decodable(weight.name(), tensor), arena));
            case TensorForm other -> pack(weight.name(), other, Optional.empty(), arena);
        });
        return packed instanceof Packed.Table(EmbeddingTable rows) ? rows : operator(packed, scratch);
    }

    private Packed take(Weight weight, String layout, Function<Arena, Packed> packer) {
        TensorStore.Lease lease = packing.store().acquire(weight.address() + layout, packer);
        leases.add(lease);
        // The address alone has read it.
        if (source instanceof Checkpoint checkpoint) {
            MappedPages.release(checkpoint.tensor(weight.name()).data());
        }
        doneElements += weight.rows() * weight.shape().columns();
        listener.packed(doneElements, totalElements);
        return lease.packed();
    }

    private Packed pack(String name, TensorForm form, Optional<PackedFormat> format, Arena arena) {
        return switch (form) {
            case TensorForm.Dense(Tensor tensor) -> pack(decodable(name, tensor), format, arena);
            case TensorForm.LowRank(TensorForm left, TensorForm right) ->
                new Packed.Product(pack(name, left, format, arena), pack(name, right, format, arena));
            case TensorForm.Sum(TensorForm base, TensorForm correction) ->
                new Packed.Sum(pack(name, base, format, arena), pack(name, correction, Optional.empty(), arena));
            case TensorForm.Codebook codebook ->
                new Packed.Whole(packing.kernels().codebook(codebook, arena));
            case TensorForm.VectorSparse sparse ->
                new Packed.Whole(packing.kernels().vectorSparse(sparse, arena));
        };
    }

    private Packed pack(Tensor tensor, Optional<PackedFormat> asked, Arena arena) {
        PackedFormat format = asked.orElseGet(() -> options.formatOf(tensor.encoding()));
        packing.kernels().prepare(format, options.precision());
        LinearOperator packed = packing.kernels().linear(tensor, format, options.precision(), arena);
        MappedPages.release(tensor.data());
        return new Packed.Whole(packed);
    }

    private LinearOperator operator(Packed packed, Scratch scratch) {
        return switch (packed) {
            case Packed.Whole(LinearOperator operator) -> operator;
            case Packed.Product(Packed left, Packed right) -> {
                LinearOperator first = operator(right, scratch);
                yield new LowRankOperator(operator(left, scratch), first, scratch.of(Scratch.Use.RANK, first.rows()));
            }
            case Packed.Sum(Packed base, Packed correction) -> {
                LinearOperator whole = operator(base, scratch);
                yield new SumOperator(
                        whole,
                        operator(correction, scratch),
                        packing.kernels(),
                        scratch.of(Scratch.Use.CORRECTION, whole.rows()));
            }
            case Packed.Table _ -> throw new Internal("rows that are only looked up cannot be multiplied");
        };
    }

    /// The matrix `{name}.weight` and, where it has one, `{name}.bias`.
    Affine affine(String name, int rows, int columns) {
        return new Affine(
                matrix(weight(name + ".weight", rows, columns)),
                optionalVector(name + ".bias", rows),
                site(name, 0, rows, columns));
    }

    /// `block`, a half of layer `layer`, shown to the load's observer.
    Block block(int layer, Half half, Block block) {
        return listener.observer()
                .<Block>map(observer -> new Block.Observed(block, layer, half, observer))
                .orElse(block);
    }

    /// The rows `[first, first + count)` of `{name}.weight`, which has `rows`, and of its bias. All parts of the
    /// tensor have the same input: the first part's is shown to the observer.
    Affine slice(String name, int rows, int columns, int first, int count) {
        float[] bias = optionalVector(name + ".bias", rows);
        Weight part = weight(name + ".weight", rows, columns).rows(first, count);
        return new Affine(
                first == 0 ? matrix(part) : packed(part, scratch),
                bias.length == 0 ? bias : Arrays.copyOfRange(bias, first, first + count),
                site(name, first, count, columns));
    }

    private Optional<AdapterSite> site(String name, int first, int rows, int columns) {
        return Optional.of(adapters.site(new AdapterSite.Part(name + ".weight", first, rows, columns)));
    }

    /// A weight the wiring would ignore changes the answers silently; better none than wrong ones.
    ///
    /// @throws Unsupported naming a tensor that nothing took
    void refuseRest() {
        Optional<String> rest = source.shapes().keySet().stream()
                .filter(name -> !taken.contains(name))
                .findFirst();
        if (rest.isPresent()) {
            throw new Unsupported(source.metadata().source() + ": tensor " + rest.get()
                    + ": models of this architecture are computed without it");
        }
    }

    private Tensor decodable(String name, Tensor tensor) {
        if (!Dequantizer.canDecode(tensor.encoding())) {
            throw new Unsupported(source.metadata().source() + ": tensor " + name + ": encoding " + tensor.encoding()
                    + " is not supported");
        }
        return tensor;
    }

    private TensorForm decodable(String name, TensorForm form) {
        if (form instanceof TensorForm.Dense(Tensor tensor)) {
            decodable(name, tensor);
        }
        return form;
    }

    private static void release(TensorForm form) {
        if (form instanceof TensorForm.Dense(Tensor tensor)) {
            MappedPages.release(tensor.data());
        }
    }
}
