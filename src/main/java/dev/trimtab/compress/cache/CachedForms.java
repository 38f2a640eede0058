package dev.trimtab.compress.cache;

import dev.trimtab.checkpoint.Metadata;
import dev.trimtab.checkpoint.WeightSource;
import dev.trimtab.compress.Compression;
import dev.trimtab.tensor.Shape;
import dev.trimtab.tensor.TensorForm;
import java.util.Map;
import java.util.Optional;

/// A compression whose costly forms are taken from a cache where it has them, and put there where not. What packing
/// alone makes is not kept: packing is faster than a disk.
///
/// @param cache empty where nothing is kept
public record CachedForms(Compression compression, Optional<FormCache> cache) implements WeightSource {
    @Override
    public Metadata metadata() {
        return compression.metadata();
    }

    @Override
    public Map<String, Shape> shapes() {
        return compression.shapes();
    }

    @Override
    public TensorForm form(String name) {
        Shape shape = shapes().get(name);
        if (shape == null || cache.isEmpty() || !compression.isMade(name)) {
            return compression.form(name);
        }
        String address = address(name);
        return cache.get().read(address, name, shape).orElseGet(() -> {
            TensorForm made = compression.form(name);
            cache.get().write(address, made);
            return made;
        });
    }

    @Override
    public String address(String name) {
        return compression.address(name);
    }
}
