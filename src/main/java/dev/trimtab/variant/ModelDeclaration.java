package dev.trimtab.variant;

import dev.trimtab.error.BadConfiguration;
import java.util.regex.Pattern;

/// A model to serve: the id clients name, where its checkpoint is, and what computes it.
public record ModelDeclaration(String name, ModelSource source, Backend backend) {
    /// Ids appear in URLs, headers and metric labels.
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}");

    /// One that our own kernels compute.
    public ModelDeclaration(String name, ModelSource source) {
        this(name, source, Backend.TRIMTAB);
    }

    public ModelDeclaration {
        if (!NAME.matcher(name).matches()) {
            throw new BadConfiguration("model name `" + name
                    + "`: 1..128 letters, digits and . _ : / - expected, beginning with a letter or digit");
        }
    }
}
