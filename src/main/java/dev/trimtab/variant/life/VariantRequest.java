package dev.trimtab.variant.life;

import dev.trimtab.variant.VariantDeclaration.Pin;
import java.util.Optional;

/// A variant as an operator asks for it, unchecked.
///
/// @param model the name of a declared model, or a path below the model root
/// @param recipe a scheme's word (`int4`, `q4_k_m`), or a recipe as YAML or JSON; empty serves the checkpoint as
///     it is
public record VariantRequest(String name, String model, Optional<String> recipe, Pin pin) {}
