package dev.trimtab;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;

/// The conformance data beside the repository (`../shared`): real checkpoints, vectors and texts that are not
/// ours to ship.
///
/// A clone elsewhere does not have it; the tests that read it are then skipped, and each says so on standard
/// error.
public final class SharedData {
    private static final Path ROOT = Path.of("..", "shared");

    private SharedData() {}

    /// The file or folder at `relative`; skips the calling test, visibly, when it is absent.
    public static Path path(String relative) {
        Path path = ROOT.resolve(relative);
        boolean present = Files.exists(path);
        if (!present) {
            System.err.println("SKIPPED, no conformance data at " + path);
        }
        assumeTrue(present, () -> "no conformance data at " + path);
        return path;
    }

    /// Whether the data is there at all, for tests that choose their cases by it.
    public static boolean isPresent() {
        return Files.isDirectory(ROOT);
    }
}
