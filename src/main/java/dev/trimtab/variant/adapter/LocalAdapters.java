package dev.trimtab.variant.adapter;

import dev.trimtab.checkpoint.adapter.LoraAdapter;
import dev.trimtab.error.Conflict;
import dev.trimtab.model.adapter.AdapterShelf;
import dev.trimtab.variant.MachineMemory;
import java.util.List;

/// The adapters over a model of this process.
public final class LocalAdapters implements Adapters {
    private final AdapterShelf shelf;

    public LocalAdapters(AdapterShelf shelf) {
        this.shelf = shelf;
    }

    @Override
    public List<ServedAdapter> list() {
        return shelf.list().stream().map(LocalAdapters::served).toList();
    }

    /// @throws Conflict also when the machine has not the memory
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
        long available = MachineMemory.availableBytes();
        if (needed > available) {
            throw new Conflict("adapter `" + adapter.name() + "` takes " + needed + " bytes, the machine has "
                    + available + " left; unload another first");
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
