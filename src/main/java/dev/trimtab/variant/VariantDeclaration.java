package dev.trimtab.variant;

import dev.trimtab.compress.recipe.Recipe;
import java.util.Optional;

/// A variant of a model to serve: the id clients name, and what is made of the checkpoint.
///
/// @param recipe empty serves the checkpoint as it is
public record VariantDeclaration(String name, Optional<Recipe> recipe, Pin pin) {
    /// Whether it may have to go when another needs its memory. A model's default never has to.
    public enum Pin {
        PINNED,
        EVICTABLE
    }

    /// One that may have to go.
    public VariantDeclaration(String name, Optional<Recipe> recipe) {
        this(name, recipe, Pin.EVICTABLE);
    }

    public VariantDeclaration {
        ModelDeclaration.checkName(name);
    }
}
