package dev.trimtab.compress.recipe;

import java.util.List;
import java.util.Map;

/// A value of a recipe as it is written, with the line it begins on. Scalars stay text: `0-2`, `12` and
/// `int8` are for whoever asks to understand.
sealed interface YamlValue {
    int line();

    record Scalar(String text, int line) implements YamlValue {}

    record Listing(List<YamlValue> items, int line) implements YamlValue {}

    /// In the order written.
    record Mapping(Map<String, YamlValue> entries, int line) implements YamlValue {}
}
