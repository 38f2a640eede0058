package dev.trimtab.variant.adapter;

import dev.trimtab.checkpoint.adapter.LoraAdapter;
import dev.trimtab.error.Conflict;
import dev.trimtab.model.adapter.AdapterShelf;
import dev.trimtab.variant.MemoryPlan;
import java.util.List;
import java.util.function.LongSupplier;

/// The adapters over a model of this process.
public final class LocalAdapters implements Adapters {
    private final AdapterShelf shelf;
    private final LongSupplier freeBytes;

    /// @param freeBytes what an adapter may take at the moment
    public LocalAdapters(AdapterShelf shelf, LongSupplier freeBytes) {
        this.shelf = shelf;
        this.freeBytes = freeBytes;
    }

    @Override
    public long sizeBytes() {
        return shelf.sizeBytes();
    }

    @Override
    public List<ServedAdapter> list() {
        return shelf.list().stream().map(LocalAdapters::served).toList();
    }

    /// @throws Conflict also when there is not the memory
    @Override
    public ServedAdapter load(AdapterDeclaration adapter, Naming naming) {
        try (LoraAdapter opened = LoraAdapter.open(adapter.path())) {
            return opened.reading(() -> {
                refuseWhatDoesNotFit(adapter, opened);
                AdapterShelf.Naming same = switch (naming) {
                    case NEW -> AdapterShelf.Naming.NEW;
                    case REPLACING -> AdapterShelf.Naming.REPLACING;
                };
                return served(shelf.load(adapter.name(), opened, adapter.scale(), same));
            });
        }
    }

    private void refuseWhatDoesNotFit(AdapterDeclaration adapter, LoraAdapter opened) {
        long needed = shelf.packedBytes(opened);
        long free = Math.max(0, freeBytes.getAsLong());
        if (needed > free) {
            throw new Conflict("adapter `" + adapter.name() + "` needs " + MemoryPlan.readable(needed) + ", of which "
                    + MemoryPlan.readable(free) + " are free for variants and adapters; unload another first");
        }
    }

    @Override
    public ServedAdapter unload(String name) {
        return served(shelf.unload(name));
    }

    private static ServedAdapter served(AdapterShelf.Loaded loaded) {
        return new ServedAdapter(
                loaded.id(),
                loaded.name(),
                loaded.source(),
                loaded.scale(),
                loaded.rank(),
                loaded.sizeBytes(),
                loaded.sequences());
    }
}
