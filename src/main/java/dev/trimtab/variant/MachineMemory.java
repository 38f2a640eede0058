package dev.trimtab.variant;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;
import java.util.stream.Stream;

/// What memory this process may still take: the machine's `MemAvailable`, or the cgroup's limit less its use
/// where that is smaller. Linux only; elsewhere half of the memory the JVM sees.
public final class MachineMemory {
    private MachineMemory() {}

    public static long availableBytes() {
        long machine = field(Path.of("/proc/meminfo"), "MemAvailable:").orElseGet(MachineMemory::halfOfPhysical);
        OptionalLong limit = number(Path.of("/sys/fs/cgroup/memory.max"));
        OptionalLong used = number(Path.of("/sys/fs/cgroup/memory.current"));
        if (limit.isEmpty() || used.isEmpty()) {
            return machine;
        }
        return Math.min(machine, Math.max(0, limit.getAsLong() - used.getAsLong()));
    }

    /// Resident set size of this process in bytes; empty where `/proc` does not say.
    public static OptionalLong residentBytes() {
        return field(Path.of("/proc/self/status"), "VmRSS:");
    }

    private static long halfOfPhysical() {
        return ((com.sun.management.OperatingSystemMXBean)
                                java.lang.management.ManagementFactory.getOperatingSystemMXBean())
                        .getTotalMemorySize()
                / 2;
    }

    /// A line such as `MemAvailable:   123 kB`.
    private static OptionalLong field(Path file, String name) {
        try (Stream<String> lines = Files.lines(file)) {
            return lines.filter(line -> line.startsWith(name))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) << 10)
                    .findFirst();
        } catch (IOException | NumberFormatException e) {
            return OptionalLong.empty();
        }
    }

    /// A file that holds one number; `max` means no limit.
    private static OptionalLong number(Path file) {
        try {
            return OptionalLong.of(Long.parseLong(Files.readString(file).strip()));
        } catch (IOException | NumberFormatException e) {
            return OptionalLong.empty();
        }
    }
}
