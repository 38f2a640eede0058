package dev.trimtab.compress.recipe;

import dev.trimtab.compress.recipe.YamlValue.Listing;
import dev.trimtab.compress.recipe.YamlValue.Mapping;
import dev.trimtab.compress.recipe.YamlValue.Scalar;
import dev.trimtab.error.BadConfiguration;
import dev.trimtab.error.Unsupported;
import java.util.List;
import java.util.Optional;

/// The keys of one mapping of a recipe. Keys that are not known there are refused when it is made, so that
/// nothing written is ever ignored.
///
/// @param place the file, for messages
/// @param path of the mapping in it, such as `quantize[2]`; empty at the top
record Fields(String place, String path, Mapping mapping) {
    /// `value`'s keys, which must be among `known`.
    static Fields of(String place, String path, YamlValue value, List<String> known) {
        if (!(value instanceof Mapping mapping)) {
            throw refused(place, path, value, "keys and values expected (" + String.join(", ", known) + ")");
        }
        mapping.entries().forEach((key, entry) -> {
            if (!known.contains(key)) {
                throw refused(
                        place,
                        path,
                        entry,
                        "unknown key `" + key + "`" + Spelling.hint(key, known) + "; known here: "
                                + String.join(", ", known));
            }
        });
        return new Fields(place, path, mapping);
    }

    /// Refuses those of `keys` that are there: parts of the schema that this version does not carry out.
    ///
    /// @throws Unsupported naming the first
    Fields without(List<String> keys) {
        for (String key : keys) {
            value(key).ifPresent(found -> {
                throw new Unsupported(at(place, pathOf(key), found) + "comes later; a recipe that asks for it is not"
                        + " carried out without it");
            });
        }
        return this;
    }

    Optional<YamlValue> value(String key) {
        return Optional.ofNullable(mapping.entries().get(key));
    }

    /// The scalar `key`, as it is written.
    Optional<String> text(String key) {
        return value(key).map(found -> {
            if (found instanceof Scalar(String text, int _) && !text.isBlank()) {
                return text.strip();
            }
            throw refused(place, pathOf(key), found, "one word expected");
        });
    }

    /// The scalars of the list `key`, or the one scalar that stands for a list of one; empty where absent.
    List<String> texts(String key) {
        return value(key)
                .map(found -> items(found).stream()
                        .map(item -> {
                            if (item instanceof Scalar(String text, int _) && !text.isBlank()) {
                                return text.strip();
                            }
                            throw refused(place, pathOf(key), item, "words expected");
                        })
                        .toList())
                .orElse(List.of());
    }

    /// `value`'s items, or itself where it is no list.
    static List<YamlValue> items(YamlValue value) {
        return value instanceof Listing listing ? listing.items() : List.of(value);
    }

    Optional<Boolean> flag(String key) {
        return text(key).map(text -> switch (text) {
            case "true" -> true;
            case "false" -> false;
            default -> throw refused(key, "true or false expected, found `" + text + "`");
        });
    }

    /// The whole number `key`, of which there must be one in `min..max`.
    Optional<Integer> number(String key, int min, int max) {
        return text(key).map(text -> {
            if (text.matches("\\d{1,9}") && Integer.parseInt(text) >= min && Integer.parseInt(text) <= max) {
                return Integer.parseInt(text);
            }
            throw refused(key, "a whole number in " + min + ".." + max + " expected, found `" + text + "`");
        });
    }

    /// The number `key`, of which there must be one in `min..max`.
    Optional<Double> real(String key, double min, double max) {
        return text(key).map(text -> {
            if (text.matches("\\d{1,9}(\\.\\d{1,9})?")
                    && Double.parseDouble(text) >= min
                    && Double.parseDouble(text) <= max) {
                return Double.parseDouble(text);
            }
            throw refused(key, "a number in " + min + ".." + max + " expected, found `" + text + "`");
        });
    }

    /// The word `key`, one of `known`.
    Optional<String> word(String key, List<String> known) {
        return text(key).map(text -> {
            if (known.contains(text)) {
                return text;
            }
            throw refused(
                    key,
                    "one of " + String.join(", ", known) + " expected, found `" + text + "`"
                            + Spelling.hint(text, known));
        });
    }

    /// A refusal of what stands under `key`.
    BadConfiguration refused(String key, String what) {
        return refused(place, pathOf(key), value(key).orElse(mapping), what);
    }

    /// As [#refused], for what is right but cannot be done yet.
    Unsupported unsupported(String key, String what) {
        return new Unsupported(at(place, pathOf(key), value(key).orElse(mapping)) + what);
    }

    static BadConfiguration refused(String place, String path, YamlValue value, String what) {
        return new BadConfiguration(at(place, path, value) + what);
    }

    private String pathOf(String key) {
        return path.isEmpty() ? key : path + "." + key;
    }

    private static String at(String place, String path, YamlValue value) {
        return place + ":" + value.line() + ": " + (path.isEmpty() ? "" : path + ": ");
    }
}
