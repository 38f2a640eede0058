package dev.trimtab.variant;

import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.compress.Plan;
import dev.trimtab.compress.recipe.Recipe;
import dev.trimtab.model.ModelLoader;
import java.util.Optional;

/// How a recipe has a checkpoint loaded.
public final class PlannedOptions {
    private PlannedOptions() {}

    /// `base`, with the formats of `recipe`'s plan for `checkpoint`, and its KV cache where it names one.
    public static ModelLoader.Options of(Recipe recipe, Checkpoint checkpoint, ModelLoader.Options base) {
        Plan plan = Plan.of(recipe, checkpoint);
        return new ModelLoader.Options(
                plan::format, base.precision(), recipe.kv().orElse(base.kvEncoding()));
    }

    /// `base` where there is no recipe.
    public static ModelLoader.Options of(Optional<Recipe> recipe, Checkpoint checkpoint, ModelLoader.Options base) {
        return recipe.map(found -> of(found, checkpoint, base)).orElse(base);
    }
}
