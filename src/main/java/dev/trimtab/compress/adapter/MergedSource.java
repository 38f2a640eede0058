package dev.trimtab.compress.adapter;

import dev.trimtab.checkpoint.ContentHash;
import dev.trimtab.checkpoint.Metadata;
import dev.trimtab.checkpoint.WeightSource;
import dev.trimtab.checkpoint.adapter.AdapterBase;
import dev.trimtab.checkpoint.adapter.LoraAdapter;
import dev.trimtab.checkpoint.adapter.LoraTarget;
import dev.trimtab.compress.matrix.Matrix;
import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.tensor.Encoding;
import dev.trimtab.tensor.Shape;
import dev.trimtab.tensor.Tensor;
import dev.trimtab.tensor.TensorForm;
import dev.trimtab.tensor.quantize.Quantizer;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// A source of weights with adapters merged in, one weight at a time as it is asked for. A merged weight is encoded
/// as it was stored, where that can be done, else in F32; a recipe that quantizes takes it from there.
public final class MergedSource implements WeightSource {
    private final WeightSource base;
    private final Map<String, List<Part>> parts = new LinkedHashMap<>();

    /// An adapter and what it is multiplied with.
    public record Merging(LoraAdapter adapter, float scale) {}

    private record Part(LoraTarget target, float scale) {
        String address() {
            return ContentHash.of(
                    ContentHash.of(target.a()), ContentHash.of(target.b()), Float.toString(scale * target.scale()));
        }
    }

    /// `base` with `mergings`, which must stay open as long as weights are asked for.
    ///
    /// @throws BadCheckpoint when an adapter was made for another model
    public MergedSource(WeightSource base, List<Merging> mergings) {
        this.base = base;
        AdapterBase facts = AdapterBase.of(base);
        for (Merging merging : mergings) {
            facts.fit(merging.adapter())
                    .forEach((name, target) ->
                            parts.computeIfAbsent(name, _ -> new ArrayList<>()).add(new Part(target, merging.scale())));
        }
    }

    @Override
    public Metadata metadata() {
        return base.metadata();
    }

    @Override
    public Map<String, Shape> shapes() {
        return base.shapes();
    }

    @Override
    public TensorForm form(String name) {
        TensorForm form = base.form(name);
        List<Part> added = parts.getOrDefault(name, List.of());
        if (added.isEmpty()) {
            return form;
        }
        Matrix matrix = Matrix.of(name, form);
        for (Part part : added) {
            matrix = AdapterMerge.merge(matrix, part.target(), part.scale());
        }
        return new TensorForm.Dense(encoded(name, matrix, form));
    }

    private static Tensor encoded(String name, Matrix matrix, TensorForm stored) {
        Encoding encoding = stored instanceof TensorForm.Dense(Tensor tensor) && Quantizer.canEncode(tensor.encoding())
                ? tensor.encoding()
                : Encoding.F32;
        MemorySegment bytes =
                MemorySegment.ofArray(new byte[Math.toIntExact(encoding.sizeBytes(matrix.values().length))]);
        Quantizer.encode(encoding, matrix.values(), bytes, 0);
        return new Tensor(name, encoding, matrix.shape(), bytes);
    }

    @Override
    public String address(String name) {
        String address = base.address(name);
        for (Part part : parts.getOrDefault(name, List.of())) {
            address = ContentHash.of(address, part.address());
        }
        return address;
    }
}
