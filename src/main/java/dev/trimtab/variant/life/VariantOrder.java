package dev.trimtab.variant.life;

import dev.trimtab.variant.Backend;
import dev.trimtab.variant.ModelDeclaration;
import dev.trimtab.variant.ModelSource;
import dev.trimtab.variant.VariantDeclaration;

/// A variant to load: of which model, from where, computed by what.
public record VariantOrder(String model, ModelSource source, Backend backend, VariantDeclaration variant) {
    /// `variant` of the model `declared`.
    public static VariantOrder of(ModelDeclaration declared, VariantDeclaration variant) {
        return new VariantOrder(declared.name(), declared.source(), declared.backend(), variant);
    }

    public String name() {
        return variant.name();
    }
}
