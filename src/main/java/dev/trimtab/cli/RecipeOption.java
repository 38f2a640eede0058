package dev.trimtab.cli;

import dev.trimtab.compress.recipe.Recipe;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// `--recipe`, shared by the commands that load one variant.
final class RecipeOption {
    @Option(
            names = "--recipe",
            paramLabel = "FILE|SCHEME",
            description = "What to make of the weights: a recipe, or int8, int4, q4_k_m and the like; default: as the"
                    + " checkpoint has them.")
    private @Nullable String recipe;

    Optional<Recipe> recipe() {
        return Optional.ofNullable(recipe).map(RecipeOption::parse);
    }

    /// `word` as the user typed it in the working directory.
    static Recipe parse(String word) {
        return Recipe.of(word, Path.of(""));
    }
}
