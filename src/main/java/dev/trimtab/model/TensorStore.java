package dev.trimtab.model;

import java.lang.foreign.Arena;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// The packed weights of the process, each held once however many models use it: content-addressed and
/// reference-counted. Who frees what is decided here alone: the last user's [Lease#close()] does.
///
/// Thread-safe. What two loads ask for at once is packed once; the other waits.
public final class TensorStore {
    private final Map<String, Entry> entries = new HashMap<>();

    /// One packed weight, its memory and its users.
    private static final class Entry {
        private final Arena arena = Arena.ofShared();
        private int users;
        private volatile @Nullable Packed packed;

        synchronized Packed pack(Function<Arena, Packed> packer) {
            Packed found = packed;
            if (found == null) {
                found = packer.apply(arena);
                packed = found;
            }
            return found;
        }

        /// 0 while it is being packed.
        long sizeBytes() {
            Packed found = packed;
            return found == null ? 0 : found.sizeBytes();
        }
    }

    /// One model's use of a packed weight.
    final class Lease implements AutoCloseable {
        private final String key;
        private final Packed packed;

        private Lease(String key, Packed packed) {
            this.key = key;
            this.packed = packed;
        }

        Packed packed() {
            return packed;
        }

        /// Whether another model holds it too, at this moment.
        boolean isShared() {
            synchronized (entries) {
                Entry entry = entries.get(key);
                return entry != null && entry.users > 1;
            }
        }

        /// Once; nobody may use what was packed afterwards.
        @Override
        public void close() {
            release(key);
        }
    }

    /// What is packed under `key`, by `packer` where nobody did before. Keys say content and layout in full.
    Lease acquire(String key, Function<Arena, Packed> packer) {
        Entry entry;
        synchronized (entries) {
            entry = entries.computeIfAbsent(key, _ -> new Entry());
            entry.users++;
        }
        boolean packed = false;
        try {
            Lease lease = new Lease(key, entry.pack(packer));
            packed = true;
            return lease;
        } finally {
            if (!packed) {
                release(key);
            }
        }
    }

    private void release(String key) {
        boolean last;
        Entry entry;
        synchronized (entries) {
            entry = Objects.requireNonNull(entries.get(key));
            last = --entry.users == 0;
            if (last) {
                entries.remove(key);
            }
        }
        if (last) {
            entry.arena.close();
        }
    }

    /// Bytes of packed weights, each counted once.
    public long sizeBytes() {
        synchronized (entries) {
            return entries.values().stream().mapToLong(Entry::sizeBytes).sum();
        }
    }

    /// Of these, the bytes that two or more models use.
    public long sharedBytes() {
        synchronized (entries) {
            return entries.values().stream()
                    .filter(entry -> entry.users > 1)
                    .mapToLong(Entry::sizeBytes)
                    .sum();
        }
    }
}
