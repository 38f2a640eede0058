package dev.trimtab.variant.adapter;

import dev.trimtab.engine.GenerationRequest;
import dev.trimtab.error.BadConfiguration;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/// An adapter to serve over a model.
///
/// @param name what clients name it by, as a model or in `lora`
/// @param path a GGUF file, or a folder as PEFT writes it
/// @param scale what it is multiplied with where a request names it as its model, or for good when merged
public record AdapterDeclaration(String name, Path path, float scale, Mode mode) {
    /// Names appear in URLs and in the list of models.
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}");

    /// How it takes part.
    public enum Mode {
        /// Requests choose it.
        LIVE,
        /// It becomes part of the weights, before they are compressed.
        MERGE;

        /// As `trimtab.yaml` spells it.
        public static Mode of(String word) {
            return Arrays.stream(values())
                    .filter(mode -> mode.word().equals(word))
                    .findFirst()
                    .orElseThrow(() -> new BadConfiguration("adapter mode: one of "
                            + Arrays.stream(values()).map(Mode::word).collect(Collectors.joining(", "))
                            + " expected, found `" + word + "`"));
        }

        private String word() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    public AdapterDeclaration {
        if (!isName(name)) {
            throw new BadConfiguration("adapter name `" + name
                    + "`: 1..128 letters, digits and . _ : / - expected, beginning with a letter or digit");
        }
        if (!(Math.abs(scale) <= GenerationRequest.ADAPTER_SCALE_MAX)) {
            throw new BadConfiguration("adapter `" + name + "`: a scale in -" + GenerationRequest.ADAPTER_SCALE_MAX
                    + ".." + GenerationRequest.ADAPTER_SCALE_MAX + " expected, found " + scale);
        }
    }

    /// Whether an adapter may be named so.
    public static boolean isName(String name) {
        return NAME.matcher(name).matches();
    }
}
