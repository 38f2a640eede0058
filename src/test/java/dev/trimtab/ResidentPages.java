package dev.trimtab;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// How much of a file's mapping is resident in this process, by `/proc/self/smaps`.
///
/// Linux only; elsewhere the tests that ask are skipped, and each says so on standard error.
public final class ResidentPages {
    private static final Path MAPS = Path.of("/proc/self/smaps");

    private ResidentPages() {}

    /// Resident bytes of all mappings of `file`.
    public static long of(Path file) throws IOException {
        boolean present = Files.isReadable(MAPS);
        if (!present) {
            System.err.println("SKIPPED, no " + MAPS + " to say what is resident");
        }
        assumeTrue(present, () -> "no " + MAPS);
        long bytes = 0;
        boolean inside = false;
        for (String line : Files.readAllLines(MAPS)) {
            if (line.matches("[0-9a-f]+-[0-9a-f]+ .*")) {
                inside = line.endsWith(file.toRealPath().toString());
            } else if (inside && line.startsWith("Rss:")) {
                bytes += Long.parseLong(line.replaceAll("\\D", "")) << 10;
            }
        }
        return bytes;
    }
}
