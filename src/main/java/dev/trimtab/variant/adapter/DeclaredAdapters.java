package dev.trimtab.variant.adapter;

import dev.trimtab.checkpoint.WeightSource;
import dev.trimtab.checkpoint.adapter.AdapterBase;
import dev.trimtab.checkpoint.adapter.LoraAdapter;
import dev.trimtab.checkpoint.adapter.LoraTarget;
import dev.trimtab.compress.adapter.MergedSource;
import dev.trimtab.kernel.PackedFormat;
import dev.trimtab.variant.LoadedModel;
import dev.trimtab.variant.adapter.AdapterDeclaration.Mode;
import dev.trimtab.variant.adapter.Adapters.Naming;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;

/// The adapters that come with a variant: merged into its weights as they are loaded, or loaded over it right
/// after.
public final class DeclaredAdapters {
    private final List<AdapterDeclaration> declared;

    public DeclaredAdapters(List<AdapterDeclaration> declared) {
        this.declared = declared;
    }

    /// Bytes that the live ones will take over `base`, at most.
    ///
    /// @throws dev.trimtab.error.TrimtabException when one of them, live or not, is not there or does not fit
    public long demandBytes(WeightSource base) {
        if (declared.isEmpty()) {
            return 0;
        }
        AdapterBase facts = AdapterBase.of(base);
        long bytes = 0;
        for (AdapterDeclaration adapter : declared) {
            try (LoraAdapter opened = LoraAdapter.open(adapter.path())) {
                Collection<LoraTarget> targets = facts.fit(opened).values();
                bytes += adapter.mode() == Mode.LIVE ? packedBytes(targets) : 0;
            }
        }
        return bytes;
    }

    /// F32 at the most: values are not looked at.
    private static long packedBytes(Collection<LoraTarget> targets) {
        return targets.stream()
                .flatMap(target -> Stream.of(target.a(), target.b()))
                .mapToLong(factor -> PackedFormat.F32.packedBytes(
                        factor.shape().rows(), factor.shape().columns()))
                .sum();
    }

    /// The model that `load` makes of `base` with the merged adapters in it, and with the live ones over it.
    ///
    /// @throws dev.trimtab.error.TrimtabException when one does not fit; then there is no model
    public LoadedModel load(WeightSource base, Function<WeightSource, LoadedModel> load) {
        LoadedModel loaded = merged(base, load);
        boolean complete = false;
        try {
            // Their bytes are in the demand.
            LocalAdapters adapters = new LocalAdapters(loaded.model().adapters(), () -> Long.MAX_VALUE);
            in(Mode.LIVE).forEach(adapter -> adapters.load(adapter, Naming.NEW));
            complete = true;
            return loaded;
        } finally {
            if (!complete) {
                loaded.close();
            }
        }
    }

    /// The names of those that are part of the weights.
    public List<String> mergedNames() {
        return in(Mode.MERGE).stream().map(AdapterDeclaration::name).toList();
    }

    private List<AdapterDeclaration> in(Mode mode) {
        return declared.stream().filter(adapter -> adapter.mode() == mode).toList();
    }

    private LoadedModel merged(WeightSource base, Function<WeightSource, LoadedModel> load) {
        List<MergedSource.Merging> opened = new ArrayList<>();
        try {
            for (AdapterDeclaration adapter : in(Mode.MERGE)) {
                opened.add(new MergedSource.Merging(LoraAdapter.open(adapter.path()), adapter.scale()));
            }
            return reading(opened, 0, opened.isEmpty() ? base : new MergedSource(base, opened), load);
        } finally {
            opened.forEach(merging -> merging.adapter().close());
        }
    }

    /// Loads within the doors of the adapters from `index` on.
    private static LoadedModel reading(
            List<MergedSource.Merging> opened,
            int index,
            WeightSource source,
            Function<WeightSource, LoadedModel> load) {
        return index == opened.size()
                ? load.apply(source)
                : opened.get(index).adapter().reading(() -> reading(opened, index + 1, source, load));
    }
}
