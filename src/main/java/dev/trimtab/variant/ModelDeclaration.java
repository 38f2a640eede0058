package dev.trimtab.variant;

import dev.trimtab.error.BadConfiguration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/// A model to serve: the id clients name, where its checkpoint is, what computes it, and in which variants.
///
/// A model without variants of its own is one variant, under the model's name. Else the name stands for the
/// first of them.
public record ModelDeclaration(String name, ModelSource source, Backend backend, List<VariantDeclaration> variants) {
    /// Ids appear in URLs, headers and metric labels.
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}");

    /// One that our own kernels compute.
    public ModelDeclaration(String name, ModelSource source) {
        this(name, source, Backend.TRIMTAB);
    }

    /// One that is served as its checkpoint is.
    public ModelDeclaration(String name, ModelSource source, Backend backend) {
        this(name, source, backend, List.of(new VariantDeclaration(name, Optional.empty())));
    }

    public ModelDeclaration {
        checkName(name);
        variants = List.copyOf(variants);
        if (variants.isEmpty()) {
            throw new BadConfiguration("model `" + name + "`: `variants` must list at least one");
        }
        refuseTwins(name, variants);
        if (backend != Backend.TRIMTAB
                && variants.stream()
                        .anyMatch(variant -> variant.recipe().isPresent()
                                || !variant.adapters().isEmpty())) {
            throw new BadConfiguration("model `" + name + "`: recipes and adapters are for backend "
                    + Backend.TRIMTAB.word() + "; " + backend.word() + " loads a checkpoint as it is");
        }
    }

    private static void refuseTwins(String model, List<VariantDeclaration> variants) {
        Set<String> names = variants.stream().map(VariantDeclaration::name).collect(Collectors.toSet());
        names.add(model);
        variants.stream()
                .flatMap(variant -> variant.adapters().stream())
                .filter(adapter -> names.contains(adapter.name()))
                .findFirst()
                .ifPresent(twin -> {
                    throw new BadConfiguration(
                            "model `" + model + "`: an adapter is named `" + twin.name() + "` as a model is");
                });
    }

    static void checkName(String name) {
        if (!NAME.matcher(name).matches()) {
            throw new BadConfiguration("model name `" + name
                    + "`: 1..128 letters, digits and . _ : / - expected, beginning with a letter or digit");
        }
    }
}
