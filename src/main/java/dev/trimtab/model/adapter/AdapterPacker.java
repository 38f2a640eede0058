package dev.trimtab.model.adapter;

import dev.trimtab.checkpoint.adapter.AdapterBase;
import dev.trimtab.checkpoint.adapter.LoraAdapter;
import dev.trimtab.checkpoint.adapter.LoraTarget;
import dev.trimtab.error.Unsupported;
import dev.trimtab.kernel.ActivationPrecision;
import dev.trimtab.kernel.Kernels;
import dev.trimtab.kernel.LinearOperator;
import dev.trimtab.kernel.PackedFormat;
import dev.trimtab.kernel.adapter.AdapterSite;
import dev.trimtab.kernel.adapter.PackedAdapter;
import dev.trimtab.tensor.Tensor;
import java.lang.foreign.Arena;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Packs adapters for one model: each factor as its encoding has it, where the model keeps weights exact, else in
/// 16 bits or fewer.
///
/// @param base what they must fit
/// @param sites the model's, by index
public record AdapterPacker(AdapterBase base, List<AdapterSite> sites, Kernels kernels, ActivationPrecision precision) {
    /// The largest number in f16.
    private static final float F16_MAX = 65_504;

    public AdapterPacker {
        sites = List.copyOf(sites);
    }

    /// A target's part of one site.
    private record Piece(AdapterSite site, LoraTarget whole, LoraTarget part) {}

    private List<Piece> pieces(LoraAdapter adapter) {
        Map<String, LoraTarget> fitted = base.fit(adapter);
        List<Piece> pieces = sites.stream()
                .filter(site -> fitted.containsKey(site.name()))
                .map(site -> piece(site, fitted))
                .toList();
        Set<String> left = new HashSet<>(fitted.keySet());
        pieces.forEach(piece -> left.remove(piece.whole().name()));
        left.stream().sorted().findFirst().ifPresent(name -> {
            throw new Unsupported("adapter " + adapter.source() + ": tensor " + name
                    + ": only matrices of attention, of dense feed-forward blocks and of an untied head can be"
                    + " adapted while serving");
        });
        return pieces;
    }

    private static Piece piece(AdapterSite site, Map<String, LoraTarget> fitted) {
        LoraTarget whole = Objects.requireNonNull(fitted.get(site.name()));
        return new Piece(site, whole, whole.rows(site.firstRow(), site.rows()));
    }

    /// What `adapter` will take.
    long packedBytes(LoraAdapter adapter) {
        Set<String> counted = new HashSet<>();
        long bytes = 0;
        for (Piece piece : pieces(adapter)) {
            bytes += packedBytes(piece.part().b());
            bytes += counted.add(piece.whole().name())
                    ? packedBytes(piece.whole().a())
                    : 0;
        }
        return bytes;
    }

    // F32 at the most: its values are not looked at.
    private long packedBytes(Tensor tensor) {
        return format(tensor, Float.MAX_VALUE)
                .packedBytes(tensor.shape().rows(), tensor.shape().columns());
    }

    /// Packs `adapter` into `arena`. Sites that share a weight share its factor A.
    PackedAdapter pack(int id, LoraAdapter adapter, Arena arena) {
        PackedAdapter.@Nullable Factors[] factors = new PackedAdapter.Factors[sites.size()];
        Map<String, LinearOperator> packed = new HashMap<>();
        for (Piece piece : pieces(adapter)) {
            float extreme = piece.whole().checkValues();
            LinearOperator a = packed.computeIfAbsent(
                    piece.whole().name(), _ -> linear(piece.whole().a(), extreme, arena));
            LinearOperator b = linear(piece.part().b(), extreme, arena);
            factors[piece.site().index()] =
                    new PackedAdapter.Factors(a, b, piece.whole().scale());
        }
        return new PackedAdapter(id, factors);
    }

    private LinearOperator linear(Tensor tensor, float extreme, Arena arena) {
        PackedFormat format = format(tensor, extreme);
        kernels.prepare(format, precision);
        return kernels.linear(tensor, format, precision, arena);
    }

    private PackedFormat format(Tensor tensor, float extreme) {
        return switch (precision) {
            case FLOAT32 -> PackedFormat.lossless(tensor.encoding());
            case INT8 -> {
                PackedFormat nearest = PackedFormat.nearest(tensor.encoding());
                yield nearest == PackedFormat.F32 && extreme <= F16_MAX ? PackedFormat.F16 : nearest;
            }
        };
    }
}
