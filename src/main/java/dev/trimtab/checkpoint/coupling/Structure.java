package dev.trimtab.checkpoint.coupling;

import dev.trimtab.checkpoint.Metadata;
import dev.trimtab.checkpoint.coupling.ModelSizes.LayerSizes;
import dev.trimtab.checkpoint.coupling.Removal.LayerKeep;
import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.BadConfiguration;
import dev.trimtab.tensor.Cut;
import dev.trimtab.tensor.Shape;
import dev.trimtab.tensor.Tensor;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// A model after a removal: its metadata, and each of its tensors as a part of one of the checkpoint's. Pure
/// data: no weight has been read.
///
/// @param parts by the name after the removal, in the checkpoint's order
public record Structure(Metadata metadata, Map<String, Part> parts) {
    /// A cap far above any trained model.
    private static final int EXPERTS_MAX = 1024;

    private static final Set<String> TOKEN_TENSORS = Set.of("token_embd.weight", "output.weight", "output.bias");

    /// What a tensor is made from.
    ///
    /// @param source the checkpoint's name of it
    /// @param shape after the cuts
    /// @param cuts what it loses, in order; mostly none or one
    public record Part(String source, Shape shape, List<Cut> cuts) {
        public Part {
            cuts = List.copyOf(cuts);
        }

        /// The columns of a matrix that lost some; empty where it lost none.
        public Optional<int[]> columnsKept() {
            return cuts.stream()
                    .filter(cut -> cut.axis() == Cut.Axis.COLUMNS && cut.kept().size() == 1)
                    .map(cut -> cut.kept().getFirst())
                    .findFirst();
        }

        /// The cuts in words: equal for equal ones, and for no others.
        public String cutText() {
            StringBuilder text = new StringBuilder();
            for (Cut cut : cuts) {
                text.append(cut.axis());
                List<int[]> lists = cut.kept();
                lists.forEach(list -> text.append(Arrays.toString(list)));
            }
            return text.toString();
        }

        /// The part of `tensor`, the checkpoint's; itself where nothing is cut.
        public Tensor apply(Tensor tensor) {
            Tensor left = tensor;
            for (Cut cut : cuts) {
                left = cut.apply(left);
            }
            return left;
        }
    }

    public Structure {
        parts = Collections.unmodifiableMap(new LinkedHashMap<>(parts));
    }

    /// What `removal` leaves of the checkpoint with `metadata` and `shapes` (canonical names).
    ///
    /// @throws BadConfiguration when more is to go than can, or the removal is for another model
    /// @throws dev.trimtab.error.Unsupported when a family computes a layer by its number and layers would
    ///     move, or a tensor's role is not known
    /// @throws BadCheckpoint when a tensor has another size than the metadata says
    public static Structure of(Metadata metadata, Map<String, Shape> shapes, Removal removal) {
        ModelSizes sizes = ModelSizes.of(metadata);
        int experts = metadata.integer(sizes.architecture() + ".expert_count", 0, EXPERTS_MAX, 0);
        check(sizes, Math.max(1, experts), removal);
        LayerMoves moves = LayerMoves.of(metadata, sizes, removal);
        Map<String, Part> parts = new LinkedHashMap<>();
        shapes.forEach((name, shape) -> {
            Optional<TensorName> parsed = TensorName.of(name);
            if (parsed.isEmpty()) {
                parts.put(name, part(name, shape, tokenCuts(name, shape, removal.tokens())));
                return;
            }
            int layer = parsed.get().layer();
            if (layer >= sizes.layers().size()) {
                throw BadCheckpoint.mismatch(
                        "tensor " + name, "one of " + sizes.layers().size() + " layers", layer);
            }
            new LayerCoupling(
                            sizes.layers().get(layer),
                            sizes.headDim(),
                            removal.layers().get(layer))
                    .cuts(name, parsed.get(), shape)
                    .ifPresent(cuts -> parts.put(TensorName.moved(name, moves.to(layer)), part(name, shape, cuts)));
        });
        return new Structure(ChangedSizes.of(metadata, sizes, removal, moves), parts);
    }

    private static Part part(String name, Shape shape, List<Cut> cuts) {
        Shape left = shape;
        for (Cut cut : cuts) {
            left = cut.shape(left);
        }
        return new Part(name, left, cuts);
    }

    private static List<Cut> tokenCuts(String name, Shape shape, Keep tokens) {
        if (!(tokens instanceof Keep.Some(List<int[]> kept)) || !TOKEN_TENSORS.contains(name)) {
            return List.of();
        }
        long count = shape.rank() < 2 ? shape.columns() : shape.rows();
        check(name + ": tokens", tokens, Math.toIntExact(count), 1);
        return List.of(new Cut(shape.rank() < 2 ? Cut.Axis.COLUMNS : Cut.Axis.ROWS, kept));
    }

    private static void check(ModelSizes sizes, int experts, Removal removal) {
        if (removal.layers().size() != sizes.layers().size()) {
            throw new BadConfiguration("a removal for " + removal.layers().size() + " layers, the model has "
                    + sizes.layers().size());
        }
        if (removal.tokens() instanceof Keep.None) {
            throw new BadConfiguration("a removal of all tokens");
        }
        boolean attends = false;
        for (int i = 0; i < sizes.layers().size(); i++) {
            LayerKeep keep = removal.layers().get(i);
            LayerSizes layer = sizes.layers().get(i);
            check("layer " + i + ": KV groups", keep.groups(), layer.numKeyValueHeads(), 1);
            check("layer " + i + ": neurons", keep.neurons(), layer.intermediateSize(), experts);
            attends |= keep.groups().of(layer.numKeyValueHeads()) > 0;
        }
        if (!attends) {
            throw new BadConfiguration("a removal of all attention: one layer must keep some");
        }
    }

    private static void check(String what, Keep keep, int count, int matrices) {
        if (!(keep instanceof Keep.Some(List<int[]> lists))) {
            return;
        }
        if (lists.size() != 1 && lists.size() != matrices) {
            throw new BadConfiguration(
                    what + ": one list of what stays, or " + matrices + ", expected, found " + lists.size());
        }
        for (int[] list : lists) {
            int last = list.length == 0 ? -1 : list[list.length - 1];
            if (last < 0 || last >= count) {
                throw new BadConfiguration(what + ": at least one of 0.." + (count - 1) + " expected to stay, found "
                        + (last < 0 ? "none" : "number " + last));
            }
        }
    }
}
