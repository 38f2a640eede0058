package dev.trimtab.variant;

import dev.trimtab.compress.recipe.Recipe;
import java.util.Optional;

/// A variant of a model to serve: the id clients name, and what is made of the checkpoint.
///
/// @param recipe empty serves the checkpoint as it is
public record VariantDeclaration(String name, Optional<Recipe> recipe) {
    public VariantDeclaration {
        ModelDeclaration.checkName(name);
    }
}
