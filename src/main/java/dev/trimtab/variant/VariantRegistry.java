package dev.trimtab.variant;

import dev.trimtab.error.Conflict;
import dev.trimtab.error.NotFound;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// The variants that are served, by name, in the order they were added. Thread-safe; readers see a snapshot.
public final class VariantRegistry {
    private volatile Map<String, Variant> variants = Map.of();
    private volatile Map<String, Variant> aliases = Map.of();
    private volatile boolean loading;

    /// @throws Conflict when the name is taken
    public synchronized void add(Variant variant) {
        refuseTaken(variant.name());
        Map<String, Variant> next = new LinkedHashMap<>(variants);
        next.put(variant.name(), variant);
        variants = next;
    }

    /// Serves `variant`, which was added, under `name` too.
    ///
    /// @throws Conflict when the name is taken
    public synchronized void alias(String name, Variant variant) {
        refuseTaken(name);
        Map<String, Variant> next = new LinkedHashMap<>(aliases);
        next.put(name, variant);
        aliases = next;
    }

    private void refuseTaken(String name) {
        if (named().containsKey(name)) {
            throw new Conflict("model `" + name + "` is served already");
        }
    }

    /// Takes a variant out, and every name it went by.
    public synchronized void remove(String name) {
        Map<String, Variant> others = new LinkedHashMap<>(aliases);
        others.values().removeIf(variant -> variant.name().equals(name));
        aliases = others;
        Map<String, Variant> next = new LinkedHashMap<>(variants);
        next.remove(name);
        variants = next;
    }

    public List<Variant> list() {
        return List.copyOf(variants.values());
    }

    /// Every name a client can give, with what it stands for.
    public Map<String, Variant> named() {
        Map<String, Variant> named = new LinkedHashMap<>(variants);
        named.putAll(aliases);
        return named;
    }

    /// @throws NotFound when no variant has that name; the message lists those there are
    public Variant get(String name) {
        Variant variant = variants.getOrDefault(name, aliases.get(name));
        if (variant == null) {
            throw new NotFound(
                    "model `" + name + "` does not exist; available: " + String.join(", ", named().keySet()));
        }
        return variant;
    }

    /// Variants that were declared are still to come; those that are there serve meanwhile.
    public void beginLoading() {
        loading = true;
    }

    public void endLoading() {
        loading = false;
    }

    /// Whether all that was declared is served: what readiness means.
    public boolean isReady() {
        return !loading && !variants.isEmpty();
    }
}
