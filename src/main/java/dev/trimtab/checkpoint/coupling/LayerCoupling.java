package dev.trimtab.checkpoint.coupling;

import dev.trimtab.checkpoint.coupling.ModelSizes.LayerSizes;
import dev.trimtab.checkpoint.coupling.Removal.LayerKeep;
import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.Unsupported;
import dev.trimtab.tensor.Cut;
import dev.trimtab.tensor.Shape;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/// What one layer's tensors lose together. For kept KV groups, with `D = headDim` and Q query heads a group:
///
/// | tensor | keeps |
/// |---|---|
/// | `attn_q` | the rows `[g Q D, (g + 1) Q D)` of each kept group g |
/// | `attn_k`, `attn_v` | the rows `[g D, (g + 1) D)` |
/// | `attn_qkv` | both, keys behind all queries and values behind all keys |
/// | `attn_output` | the columns that `attn_q` keeps as rows |
/// | `attn_sub_norm` | the elements that `attn_q` keeps as rows |
///
/// and for kept neurons: `ffn_gate` and `ffn_up` rows, of a fused `ffn_up` both halves; `ffn_down` columns,
/// `ffn_sub_norm` elements. A bias keeps what its matrix keeps as rows.
record LayerCoupling(LayerSizes sizes, int headDim, LayerKeep keep) {
    /// The cuts of the tensor `name`, none or one; empty where its block goes, and it with it.
    ///
    /// @throws Unsupported for a tensor of a block that changes whose role is not known
    /// @throws BadCheckpoint for one of another size than the metadata says
    Optional<List<Cut>> cuts(String name, TensorName parsed, Shape shape) {
        Optional<TensorRole> attention = TensorRole.inAttention(parsed.module());
        if (attention.isPresent()) {
            return ofBlock(keep.groups(), attention.get(), name, parsed, shape);
        }
        Optional<TensorRole> feedForward = TensorRole.inFeedForward(parsed.module());
        if (feedForward.isPresent()) {
            return ofBlock(keep.neurons(), feedForward.get(), name, parsed, shape);
        }
        if (keep.isDropped()) {
            return Optional.empty();
        }
        if (!keep.equals(LayerKeep.ALL)) {
            throw new Unsupported("tensor " + name + ": what it loses when its layer is pruned is not known");
        }
        return Optional.of(List.of());
    }

    private Optional<List<Cut>> ofBlock(Keep kept, TensorRole role, String name, TensorName parsed, Shape shape) {
        return switch (kept) {
            case Keep.All() -> Optional.of(List.of());
            case Keep.None() -> Optional.empty();
            case Keep.Some(List<int[]> lists) -> Optional.of(cut(role, lists, name, parsed, shape));
        };
    }

    private List<Cut> cut(TensorRole role, List<int[]> lists, String name, TensorName parsed, Shape shape) {
        Place place = new Place(name, parsed.isBias(), shape);
        int queries = sizes.numAttentionHeads() * headDim;
        int keys = sizes.numKeyValueHeads() * headDim;
        int inner = sizes.intermediateSize();
        return switch (role) {
            case WHOLE -> List.of();
            case HEAD_ELEMENTS -> place.elements(headDim, List.of());
            case QUERY_ROWS -> place.rows(queries, List.of(query(lists.getFirst())));
            case KEY_ROWS -> place.rows(keys, List.of(key(lists.getFirst(), 0)));
            case FUSED_ROWS -> place.rows(queries + 2 * keys, List.of(fused(lists.getFirst())));
            case QUERY_COLUMNS -> place.columns(queries, List.of(query(lists.getFirst())));
            case QUERY_ELEMENTS -> place.elements(queries, List.of(query(lists.getFirst())));
            case NEURON_ROWS -> neuronRows(place, inner, of(parsed, lists));
            case NEURON_COLUMNS -> place.columns(inner, of(parsed, lists));
            case NEURON_ELEMENTS -> place.elements(inner, of(parsed, lists));
        };
    }

    /// A tensor of one expert has that expert's list.
    private static List<int[]> of(TensorName parsed, List<int[]> lists) {
        return parsed.expert() < 0 || lists.size() == 1 ? lists : List.of(lists.get(parsed.expert()));
    }

    private static List<Cut> neuronRows(Place place, int inner, List<int[]> lists) {
        if (place.extent() != 2L * inner) {
            return place.rows(inner, lists);
        }
        return place.rows(
                2 * inner,
                lists.stream().map(list -> joined(list, shifted(list, inner))).toList());
    }

    private int[] query(int[] groups) {
        return elements(groups, sizes.queriesPerGroup() * headDim);
    }

    private int[] key(int[] groups, int shift) {
        return shifted(elements(groups, headDim), shift);
    }

    private int[] fused(int[] groups) {
        int queries = sizes.numAttentionHeads() * headDim;
        int keys = sizes.numKeyValueHeads() * headDim;
        return joined(query(groups), joined(key(groups, queries), key(groups, queries + keys)));
    }

    /// The elements of each group in `groups`, `size` a group.
    static int[] elements(int[] groups, int size) {
        return Arrays.stream(groups)
                .flatMap(group -> IntStream.range(group * size, (group + 1) * size))
                .toArray();
    }

    private static int[] shifted(int[] list, int shift) {
        return Arrays.stream(list).map(i -> i + shift).toArray();
    }

    private static int[] joined(int[] first, int[] second) {
        return IntStream.concat(Arrays.stream(first), Arrays.stream(second)).toArray();
    }

    /// One tensor whose size must be what the metadata says.
    private record Place(String name, boolean isBias, Shape shape) {
        /// Rows of each matrix, or elements of a bias.
        long extent() {
            return shape.rank() < 2 ? shape.columns() : shape.extents().get(shape.rank() - 2);
        }

        List<Cut> rows(int expected, List<int[]> kept) {
            check(expected, extent());
            return List.of(new Cut(shape.rank() < 2 ? Cut.Axis.COLUMNS : Cut.Axis.ROWS, kept));
        }

        List<Cut> columns(int expected, List<int[]> kept) {
            return isBias ? List.of() : elements(expected, kept);
        }

        /// Nothing to cut where nothing is listed.
        List<Cut> elements(int expected, List<int[]> kept) {
            check(expected, shape.columns());
            return kept.isEmpty() ? List.of() : List.of(new Cut(Cut.Axis.COLUMNS, kept));
        }

        private void check(long expected, long found) {
            if (expected != found) {
                throw BadCheckpoint.mismatch(
                        "tensor " + name, "an extent of " + expected + " as the metadata says", shape);
            }
        }
    }
}
