package dev.trimtab.cli;

import dev.trimtab.error.InvalidRequest;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// `--lock`, shared by the commands that carry out one recipe.
final class LockOption {
    @Option(
            names = "--lock",
            paramLabel = "FILE",
            description =
                    "What the recipe came to: written where there is no such file, else what is loaded must come to"
                            + " the same.")
    private @Nullable Path file;

    Optional<Path> file() {
        return Optional.ofNullable(file);
    }

    /// The file, which needs a recipe that it can be of.
    ///
    /// @throws InvalidRequest where there is not one
    Optional<Path> file(int recipes) {
        if (file != null && recipes != 1) {
            throw InvalidRequest.of("--lock " + file + ": it is of one --recipe, found " + recipes);
        }
        return file();
    }
}
