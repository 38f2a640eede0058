package dev.trimtab.variant.adapter;

import dev.trimtab.error.Conflict;
import dev.trimtab.error.InvalidRequest;
import dev.trimtab.error.NotFound;
import dev.trimtab.variant.ModelRoot;
import dev.trimtab.variant.Variant;
import dev.trimtab.variant.VariantRegistry;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Every name a request can give as its model: the registry's, and those of adapters over what it serves. It
/// keeps nothing: adapters are their variants', and go with them. Where two variants have an adapter of one name
/// (a declared one, over each variant of its model), the name stands for the first.
public final class AdapterDirectory {
    private final VariantRegistry registry;
    private final ModelRoot root;

    /// Adapters that callers load lie below `root`.
    public AdapterDirectory(VariantRegistry registry, ModelRoot root) {
        this.registry = registry;
        this.root = root;
    }

    /// An adapter and the name of what it is loaded over.
    public record Placed(String parent, ServedAdapter adapter) {}

    /// What a caller wants loaded.
    ///
    /// @param path below the model root
    /// @param model over which; empty for the first that is served
    public record Order(String name, String path, Optional<String> model, float scale, Adapters.Naming naming) {}

    /// The variant that serves who asks for `name`.
    ///
    /// @throws NotFound when there is none
    public Variant get(String name) {
        Optional<Placed> placed = find(name);
        if (placed.isEmpty() || registry.named().containsKey(name)) {
            return registry.get(name);
        }
        Variant base = registry.get(placed.get().parent()); // which counts as a use of it
        return new AdaptedVariant(base, placed.get().adapter());
    }

    /// Every name a client can give, with what it stands for.
    public Map<String, Variant> named() {
        Map<String, Variant> named = new LinkedHashMap<>(registry.named());
        for (Variant variant : registry.list()) {
            variant.adapters()
                    .list()
                    .forEach(adapter -> named.putIfAbsent(adapter.name(), new AdaptedVariant(variant, adapter)));
        }
        return named;
    }

    /// Where the variant itself of that very name is in its life; empty for adapters.
    public Optional<VariantRegistry.Slot> slot(String name) {
        return registry.find(name);
    }

    /// The variants themselves, without adapters.
    public List<Variant> variants() {
        return registry.list();
    }

    /// All adapters over all variants.
    public List<Placed> adapters() {
        return registry.list().stream()
                .flatMap(variant ->
                        variant.adapters().list().stream().map(adapter -> new Placed(variant.name(), adapter)))
                .toList();
    }

    private Optional<Placed> find(String name) {
        return adapters().stream()
                .filter(placed -> placed.adapter().name().equals(name))
                .findFirst();
    }

    /// Loads what `order` says; takes as long as that takes.
    ///
    /// @throws Conflict when the name is taken
    /// @throws dev.trimtab.error.TrimtabException when it cannot be served; then nothing has changed
    public Placed load(Order order) {
        if (!AdapterDeclaration.isName(order.name())) {
            throw InvalidRequest.param(
                    "lora_name",
                    "lora_name: 1..128 letters, digits and . _ : / - expected, beginning with a letter or digit");
        }
        if (registry.named().containsKey(order.name())) {
            throw new Conflict("model `" + order.name() + "` is served already");
        }
        Variant base = base(order);
        AdapterDeclaration declared = new AdapterDeclaration(
                order.name(), root.resolve("lora_path", order.path()), order.scale(), AdapterDeclaration.Mode.LIVE);
        return new Placed(base.name(), base.adapters().load(declared, order.naming()));
    }

    private Variant base(Order order) {
        Optional<Placed> same = find(order.name());
        if (same.isPresent() && order.naming() == Adapters.Naming.NEW) {
            throw new Conflict("adapter `" + order.name() + "` is loaded already");
        }
        if (order.model().isPresent()) {
            return registry.get(order.model().get());
        }
        return same.map(placed -> registry.get(placed.parent()))
                .or(() -> registry.list().stream().findFirst())
                .orElseThrow(() -> new NotFound("no model is served that could take an adapter"));
    }

    /// Unloads the adapter `name`, over every variant that has it; the first of them.
    ///
    /// @throws NotFound when there is none
    public Placed unload(String name) {
        Placed first = find(name).orElseThrow(() -> new NotFound("adapter `" + name + "` is not loaded"));
        for (Variant variant : registry.list()) {
            if (variant.adapters().find(name).isPresent()) {
                variant.adapters().unload(name);
            }
        }
        return first;
    }
}
