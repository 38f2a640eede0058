package dev.trimtab.variant;

import dev.trimtab.compress.recipe.Recipe;
import dev.trimtab.error.BadConfiguration;
import dev.trimtab.variant.adapter.AdapterDeclaration;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// A variant of a model to serve: the id clients name, and what is made of the checkpoint.
///
/// @param recipe empty serves the checkpoint as it is
/// @param lock the file that says how the recipe was resolved; it is written if there is none
/// @param adapters over it, or merged into it
public record VariantDeclaration(
        String name, Optional<Recipe> recipe, Optional<Path> lock, Pin pin, List<AdapterDeclaration> adapters) {
    /// Whether it may have to go when another needs its memory. A model's default never has to.
    public enum Pin {
        PINNED,
        EVICTABLE
    }

    /// One without adapters and lock.
    public VariantDeclaration(String name, Optional<Recipe> recipe, Pin pin) {
        this(name, recipe, Optional.empty(), pin, List.of());
    }

    /// One that may have to go.
    public VariantDeclaration(String name, Optional<Recipe> recipe) {
        this(name, recipe, Pin.EVICTABLE);
    }

    /// The same with the lock `file`, if any.
    public VariantDeclaration locked(Optional<Path> file) {
        return new VariantDeclaration(name, recipe, file, pin, adapters);
    }

    public VariantDeclaration {
        ModelDeclaration.checkName(name);
        if (lock.isPresent() && recipe.isEmpty()) {
            throw new BadConfiguration("variant `" + name + "`: a lock without a recipe that it could be of");
        }
        adapters = List.copyOf(adapters);
        Set<String> names = new HashSet<>();
        adapters.stream()
                .filter(adapter -> !names.add(adapter.name()))
                .findFirst()
                .ifPresent(twin -> {
                    throw new BadConfiguration("variant `" + name + "`: two adapters are named `" + twin.name() + "`");
                });
    }
}
