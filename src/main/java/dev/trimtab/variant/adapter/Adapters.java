package dev.trimtab.variant.adapter;

import dev.trimtab.error.NotFound;
import dev.trimtab.error.Unsupported;
import java.util.List;
import java.util.Optional;

/// The adapters over one variant. Thread-safe.
public interface Adapters {
    /// Of a variant that takes none.
    Adapters NONE = new Adapters() {
        @Override
        public List<ServedAdapter> list() {
            return List.of();
        }

        @Override
        public ServedAdapter load(AdapterDeclaration adapter, Naming naming) {
            throw new Unsupported("this variant takes no adapters");
        }

        @Override
        public ServedAdapter unload(String name) {
            throw new NotFound("adapter `" + name + "` is not loaded");
        }
    };

    /// Whether a name that is taken is an error.
    enum Naming {
        NEW,
        REPLACING
    }

    /// Those that are loaded, in the order they were.
    List<ServedAdapter> list();

    /// Bytes of all of them, of those too that some sequence still runs with.
    default long sizeBytes() {
        return list().stream().mapToLong(ServedAdapter::sizeBytes).sum();
    }

    /// Reads, checks and packs `adapter` while the variant serves; takes as long as that takes.
    ///
    /// @throws dev.trimtab.error.TrimtabException when it cannot be served; then nothing has changed
    ServedAdapter load(AdapterDeclaration adapter, Naming naming);

    /// Forgets `name`; sequences that run with it end as they would have, and then its memory is freed.
    ///
    /// @throws NotFound when there is none
    ServedAdapter unload(String name);

    /// The one of that name.
    default Optional<ServedAdapter> find(String name) {
        return list().stream().filter(adapter -> adapter.name().equals(name)).findFirst();
    }
}
