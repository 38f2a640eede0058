package dev.trimtab.cli;

import dev.trimtab.compress.recipe.Recipe;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// `--recipe` and its `--lock`, shared by the commands that load one variant.
final class RecipeOption {
    @Option(
            names = "--recipe",
            paramLabel = "FILE|SCHEME",
            description = "What to make of the weights: a recipe, or int8, int4, q4_k_m and the like; default: as the"
                    + " checkpoint has them.")
    private @Nullable String recipe;

    @Mixin
    private final LockOption lock = new LockOption();

    /// As it was typed.
    Optional<String> word() {
        return Optional.ofNullable(recipe);
    }

    Optional<Path> lock() {
        return lock.file(recipe == null ? 0 : 1);
    }

    Optional<Recipe> recipe() {
        return Optional.ofNullable(recipe).map(RecipeOption::parse);
    }

    /// `word` as the user typed it in the working directory.
    static Recipe parse(String word) {
        return Recipe.of(word, Path.of(""));
    }
}
