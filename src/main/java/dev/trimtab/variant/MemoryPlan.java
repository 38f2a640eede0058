package dev.trimtab.variant;

import dev.trimtab.error.BadConfiguration;
import java.util.List;
import java.util.Locale;
import java.util.OptionalLong;
import java.util.stream.Collectors;

/// What the process will hold in memory, decided before anything is packed. A model that cannot fit is
/// refused with the numbers, not by the kernel's out-of-memory killer an hour later.
///
/// @param availableBytes what the machine or the cgroup can still give
/// @param weightBytes packed weights of all models, with the adapters declared over them
/// @param scratchBytes activations of one step, all models
/// @param kvBytes the process-wide KV pool
/// @param kvExtentBytes the pieces it is cut into, whole blocks of the model with the largest
public record MemoryPlan(long availableBytes, long weightBytes, long scratchBytes, long kvBytes, long kvExtentBytes) {
    /// The JVM itself: heap in use, code cache, thread stacks, buffers of connections.
    private static final long JVM_BYTES = 256L << 20;

    /// The share of what weights leave that the KV cache may take by default; the rest is page cache and
    /// head-room.
    private static final double KV_SHARE = 0.6;

    /// Extents of the KV pool: few enough that a model wastes little of one, many enough to share.
    private static final int KV_EXTENTS = 64;

    /// What one model asks for.
    ///
    /// @param adapterBytes of the adapters declared over it, at most
    /// @param kvBlockBytes one of its KV blocks
    /// @param kvFloorBytes KV cache for one sequence as long as the context: below it the model cannot serve
    ///     what it says
    /// @param kvWishBytes KV cache for all sequences it may run at full length
    public record Demand(
            String name,
            long weightBytes,
            long scratchBytes,
            long adapterBytes,
            long kvBlockBytes,
            long kvFloorBytes,
            long kvWishBytes) {
        /// Without adapters.
        public Demand(
                String name,
                long weightBytes,
                long scratchBytes,
                long kvBlockBytes,
                long kvFloorBytes,
                long kvWishBytes) {
            this(name, weightBytes, scratchBytes, 0, kvBlockBytes, kvFloorBytes, kvWishBytes);
        }

        @Override
        public String toString() {
            return name + ": weights " + readable(weightBytes) + ", scratch " + readable(scratchBytes) + ", KV cache "
                    + readable(kvFloorBytes) + " for one full sequence";
        }
    }

    /// Plans for `demands` on a machine with `availableBytes` left; `kvBytes` is the operator's word where
    /// there is one.
    ///
    /// @throws BadConfiguration when weights, scratch and the smallest useful KV cache do not fit
    public static MemoryPlan of(long availableBytes, List<Demand> demands, OptionalLong kvBytes) {
        long weights = demands.stream()
                .mapToLong(demand -> demand.weightBytes() + demand.adapterBytes())
                .sum();
        long scratch = demands.stream().mapToLong(Demand::scratchBytes).sum();
        long floor = demands.stream().mapToLong(Demand::kvFloorBytes).max().orElse(0);
        long wish = demands.stream().mapToLong(Demand::kvWishBytes).sum();
        long free = availableBytes - weights - scratch - JVM_BYTES;
        long kv = kvBytes.orElse(Math.max(floor, Math.min(wish, (long) (free * KV_SHARE))));
        if (kv < floor || kv > free) {
            throw new BadConfiguration("the models do not fit: " + readable(availableBytes) + " available, "
                    + readable(weights + scratch + JVM_BYTES + Math.max(kv, floor)) + " needed ("
                    + demands.stream().map(Demand::toString).collect(Collectors.joining("; ")) + "; the process "
                    + readable(JVM_BYTES) + "; KV pool " + readable(kv) + ")");
        }
        long block = demands.stream().mapToLong(Demand::kvBlockBytes).max().orElse(1);
        long extent = block * Math.max(1, kv / KV_EXTENTS / block);
        return new MemoryPlan(availableBytes, weights, scratch, Math.ceilDiv(kv, extent) * extent, extent);
    }

    /// What weights and scratch may take in all, later variants' included: what the KV pool and the process
    /// itself leave of the machine.
    public long variantBytes() {
        return availableBytes - JVM_BYTES - kvBytes;
    }

    @Override
    public String toString() {
        return "weights " + readable(weightBytes) + " + KV cache " + readable(kvBytes) + " + scratch "
                + readable(scratchBytes) + " of " + readable(availableBytes) + " available";
    }

    /// Bytes for people: `1.3 GiB`.
    public static String readable(long bytes) {
        if (bytes < 1 << 10) {
            return bytes + " B";
        }
        String units = "KMGTPE";
        double value = bytes / 1024.0;
        int unit = 0;
        while (value >= 1024 && unit < units.length() - 1) {
            value /= 1024;
            unit++;
        }
        return String.format(Locale.ROOT, "%.1f %ciB", value, units.charAt(unit));
    }
}
