package dev.trimtab.model.adapter;

import dev.trimtab.checkpoint.adapter.LoraAdapter;
import dev.trimtab.error.Conflict;
import dev.trimtab.error.NotFound;
import dev.trimtab.error.Unsupported;
import dev.trimtab.kernel.adapter.AdapterMix;
import dev.trimtab.kernel.adapter.AdapterPass;
import dev.trimtab.kernel.adapter.PackedAdapter;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// The adapters loaded over one model, by name. A sequence leases those it runs with; an adapter that is unloaded,
/// or replaced, is found no more from then on, and freed when the last lease on it ends. So nothing that runs is
/// cut short, and nobody waits.
///
/// Thread-safe. Packing is done by whoever loads, beside the steps of the engine.
public final class AdapterShelf implements AutoCloseable {
    /// Over a model that takes none.
    public static final AdapterShelf NONE = new AdapterShelf(Optional.empty());

    private final Optional<AdapterPacker> packer;
    private final Map<String, Entry> entries = new LinkedHashMap<>();
    private int ids;
    private long sizeBytes;
    private boolean closed;

    /// Whether a name that is taken is an error.
    public enum Naming {
        NEW,
        REPLACING
    }

    /// An adapter that is loaded.
    ///
    /// @param id of no other one of this model, past ones included
    /// @param scale its factor where nobody gives another
    /// @param sequences that run with it or wait to
    public record Loaded(int id, String name, String source, float scale, int rank, long sizeBytes, int sequences) {}

    /// Its memory, and who uses it; guarded by the shelf.
    private static final class Entry {
        private final String name;
        private final String source;
        private final float scale;
        private final int rank;
        private final PackedAdapter packed;
        private final Arena arena;
        private int leases;
        private boolean retired;

        Entry(String name, LoraAdapter from, float scale, PackedAdapter packed, Arena arena) {
            this.name = name;
            this.scale = scale;
            this.source = from.source();
            this.rank = from.rank();
            this.packed = packed;
            this.arena = arena;
        }

        Loaded describe() {
            return new Loaded(packed.id(), name, source, scale, rank, packed.sizeBytes(), leases);
        }
    }

    /// What one sequence runs with, until it is closed.
    public final class Lease implements AutoCloseable {
        private final AdapterMix mix;
        private final String key;
        private final List<Entry> leased;
        private boolean open = true;

        private Lease(AdapterMix mix, String key, List<Entry> leased) {
            this.mix = mix;
            this.key = key;
            this.leased = leased;
        }

        public AdapterMix mix() {
            return mix;
        }

        /// Equal for two leases exactly when keys and values computed with one serve the other; empty without
        /// adapters. Digits, signs, letters.
        public String key() {
            return key;
        }

        /// Again does nothing.
        @Override
        public void close() {
            release(this);
        }
    }

    /// Over the model that `packer` packs for.
    public AdapterShelf(AdapterPacker packer) {
        this(Optional.of(packer));
    }

    private AdapterShelf(Optional<AdapterPacker> packer) {
        this.packer = packer;
    }

    /// Bytes that `adapter` takes once packed.
    ///
    /// @throws dev.trimtab.error.TrimtabException as [#load] does
    public long packedBytes(LoraAdapter adapter) {
        return packer().packedBytes(adapter);
    }

    /// Packs `adapter`, which can be closed afterwards, and makes it known as `name`, with `scale`
    /// where nobody gives another factor.
    ///
    /// @throws dev.trimtab.error.BadCheckpoint when it was made for another model
    /// @throws Unsupported when it changes what cannot be changed while serving
    /// @throws Conflict when the name is taken and `naming` does not allow it, or there are
    ///     [AdapterPass#ADAPTERS_MAX] already
    public Loaded load(String name, LoraAdapter adapter, float scale, Naming naming) {
        int id = admit(name, naming);
        Arena arena = Arena.ofShared();
        boolean kept = false;
        try {
            Entry entry = new Entry(name, adapter, scale, packer().pack(id, adapter, arena), arena);
            Loaded loaded = keep(entry, naming);
            kept = true;
            return loaded;
        } finally {
            if (!kept) {
                arena.close();
            }
        }
    }

    private synchronized int admit(String name, Naming naming) {
        if (closed) {
            throw new NotFound("the model is being unloaded");
        }
        boolean taken = entries.containsKey(name);
        if (taken && naming == Naming.NEW) {
            throw new Conflict("adapter `" + name + "` is loaded already");
        }
        if (!taken && entries.size() >= AdapterPass.ADAPTERS_MAX) {
            throw new Conflict("at most " + AdapterPass.ADAPTERS_MAX + " adapters a model, and so many are loaded");
        }
        return ids++;
    }

    // Another may have been first meanwhile.
    private synchronized Loaded keep(Entry entry, Naming naming) {
        admit(entry.name, naming);
        Entry before = entries.put(entry.name, entry);
        sizeBytes += entry.packed.sizeBytes();
        if (before != null) {
            retire(before);
        }
        return entry.describe();
    }

    /// Forgets `name`; what it was, with the sequences that still run with it.
    ///
    /// @throws NotFound when there is none
    public synchronized Loaded unload(String name) {
        Entry entry = find(name);
        entries.remove(name);
        Loaded found = entry.describe();
        retire(entry);
        return found;
    }

    public synchronized List<Loaded> list() {
        return entries.values().stream().map(Entry::describe).toList();
    }

    /// Bytes of all packed adapters, those included that are only waited for.
    public synchronized long sizeBytes() {
        return sizeBytes;
    }

    /// What a sequence runs with that names each of `scales`' adapters; factors of 0 leave one out.
    ///
    /// @throws NotFound when one is not loaded
    public synchronized Lease lease(Map<String, Float> scales) {
        List<Entry> leased = new ArrayList<>();
        List<Float> factors = new ArrayList<>();
        StringBuilder key = new StringBuilder();
        new TreeMap<>(scales).forEach((name, scale) -> {
            Entry entry = find(name);
            if (scale != 0) {
                leased.add(entry);
                factors.add(scale);
            }
        });
        float[] array = new float[factors.size()];
        for (int i = 0; i < array.length; i++) {
            array[i] = factors.get(i);
            leased.get(i).leases++;
            key.append(leased.get(i).packed.id()).append('*').append(array[i]).append(' ');
        }
        AdapterMix mix = leased.isEmpty()
                ? AdapterMix.NONE
                : new AdapterMix(leased.stream().map(entry -> entry.packed).toList(), array);
        return new Lease(mix, key.toString(), leased);
    }

    private Entry find(String name) {
        @Nullable Entry entry = entries.get(name);
        if (entry == null) {
            throw new NotFound("adapter `" + name + "` is not loaded; loaded: "
                    + (entries.isEmpty() ? "none" : String.join(", ", entries.keySet())));
        }
        return entry;
    }

    private synchronized void release(Lease lease) {
        if (!lease.open) {
            return;
        }
        lease.open = false;
        for (Entry entry : lease.leased) {
            entry.leases--;
            freeIfDone(entry);
        }
    }

    private void retire(Entry entry) {
        entry.retired = true;
        freeIfDone(entry);
    }

    private void freeIfDone(Entry entry) {
        if (entry.retired && entry.leases == 0) {
            sizeBytes -= entry.packed.sizeBytes();
            entry.arena.close();
        }
    }

    private AdapterPacker packer() {
        return packer.orElseThrow(() -> new Unsupported("this model's backend takes no adapters"));
    }

    /// Forgets all of them; none can be loaded from then on.
    @Override
    public synchronized void close() {
        closed = true;
        entries.values().forEach(this::retire);
        entries.clear();
    }
}
