package dev.trimtab.checkpoint.coupling;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// The name of a tensor in a layer, taken apart: `blk.{layer}.{module}[.{expert}].{weight|bias}`.
///
/// @param expert -1 where the name has none
record TensorName(int layer, String module, int expert, boolean isBias) {
    private static final Pattern PATTERN =
            Pattern.compile("blk\\.(\\d{1,5})\\.([a-z_0-9]+)(?:\\.(\\d{1,5}))?\\.(weight|bias)");

    /// Empty for tensors outside the layers, and for names that are none of these.
    static Optional<TensorName> of(String name) {
        Matcher matcher = PATTERN.matcher(name);
        if (!matcher.matches()) {
            return Optional.empty();
        }
        int expert = matcher.group(3) == null ? -1 : Integer.parseInt(matcher.group(3));
        return Optional.of(new TensorName(
                Integer.parseInt(matcher.group(1)),
                matcher.group(2),
                expert,
                matcher.group(4).equals("bias")));
    }

    /// The name in layer `layer`.
    static String moved(String name, int layer) {
        return "blk." + layer + name.substring(name.indexOf('.', "blk.".length()));
    }
}
