package dev.trimtab.variant;

import dev.trimtab.error.Conflict;
import dev.trimtab.error.NotFound;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// The variants that are served, by name, in the order they were added. Thread-safe; readers see a snapshot.
public final class VariantRegistry {
    private volatile Map<String, Variant> variants = Map.of();

    /// @throws Conflict when the name is taken
    public synchronized void add(Variant variant) {
        if (variants.containsKey(variant.name())) {
            throw new Conflict("model `" + variant.name() + "` is served already");
        }
        Map<String, Variant> next = new LinkedHashMap<>(variants);
        next.put(variant.name(), variant);
        variants = next;
    }

    public synchronized void remove(String name) {
        Map<String, Variant> next = new LinkedHashMap<>(variants);
        next.remove(name);
        variants = next;
    }

    public List<Variant> list() {
        return List.copyOf(variants.values());
    }

    /// @throws NotFound when no variant has that name; the message lists those there are
    public Variant get(String name) {
        Variant variant = variants.get(name);
        if (variant == null) {
            throw new NotFound(
                    "model `" + name + "` does not exist; available: " + String.join(", ", variants.keySet()));
        }
        return variant;
    }

    /// Whether anything is served: what readiness means.
    public boolean isReady() {
        return !variants.isEmpty();
    }
}
