package dev.trimtab.compress.recipe;

import dev.trimtab.compress.quantize.Rounding;
import dev.trimtab.compress.recipe.YamlValue.Mapping;
import dev.trimtab.compress.recipe.YamlValue.Scalar;
import dev.trimtab.error.BadConfiguration;
import dev.trimtab.kernel.KvEncoding;
import dev.trimtab.kernel.KvEncodings;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/// What compressed-tensors calls a quantization scheme, in our words: presets such as `W4A16`, and the groups that
/// spell them out.
///
/// | there | here |
/// |---|---|
/// | integers, `group` of 32, 64 or 128; `channel`, `tensor` | `intN_sym_gG`, `intN_asym_gG`; `intN_sym_row` |
/// | floats of 8 bits, whatever the strategy | `fp8_e4m3`, a scale for each 32 |
/// | floats of 4 bits in groups of 16, of 32 | `nvfp4`, `mxfp4` |
///
/// In what activations are multiplied is the process's setting and not a recipe's: 8 bits with a scale for each 32,
/// or f32. That serves whoever asks for activations of 8 bits or more; fewer are refused.
final class CompressedTensors {
    /// Their presets, and what holds the weights of each.
    private static final Map<String, String> PRESETS = new LinkedHashMap<>(Map.ofEntries(
            Map.entry("UNQUANTIZED", "keep"),
            Map.entry("W8A16", "int8_sym_g128"),
            Map.entry("W4A16", "int4_sym_g128"),
            Map.entry("W4A16_ASYM", "int4_asym_g128"),
            Map.entry("W8A8", "int8_sym_row"),
            Map.entry("INT8", "int8_sym_row"),
            Map.entry("W4A8", "int4_sym_g128"),
            Map.entry("W4AFP8", "int4_sym_g128"),
            Map.entry("FP8", "fp8_e4m3"),
            Map.entry("FP8_DYNAMIC", "fp8_e4m3"),
            Map.entry("FP8_BLOCK", "fp8_e4m3"),
            Map.entry("MXFP8", "fp8_e4m3"),
            Map.entry("MXFP8A16", "fp8_e4m3"),
            Map.entry("NVFP4A16", "nvfp4"),
            Map.entry("MXFP4A16", "mxfp4")));

    /// Presets whose activations have 4 bits.
    private static final List<String> NARROW = List.of("NVFP4", "MXFP4");

    private static final List<String> ARGUMENTS = List.of(
            "num_bits",
            "type",
            "symmetric",
            "strategy",
            "group_size",
            "block_structure",
            "dynamic",
            "actorder",
            "observer",
            "observer_kwargs",
            "scale_dtype",
            "zp_dtype");

    private static final List<String> GROUPS = List.of("32", "64", "128");

    /// How many a recipe may list: a rule for each matrix of a large model.
    private static final int GROUPS_MAX = 10_000;

    private CompressedTensors() {}

    /// Matrices that become one scheme.
    ///
    /// @param fields of which `targets` says which matrices
    /// @param rounding what its observer comes to
    /// @param actOrder as written
    record Group(Fields fields, Scheme scheme, Rounding rounding, Optional<String> actOrder) {
        /// Whether columns share scales in groups.
        boolean isGrouped() {
            return scheme.name().startsWith("int") && !scheme.name().endsWith("_row");
        }
    }

    /// `value`'s keys, which must be among `known`, without those that are null: that stands for none there. But
    /// for `actorder`, whose absence means something else.
    static Fields given(String place, String path, YamlValue value, List<String> known) {
        Fields all = Fields.of(place, path, value, known);
        Map<String, YamlValue> entries = new LinkedHashMap<>(all.mapping().entries());
        entries.entrySet()
                .removeIf(entry -> isNull(entry.getValue()) && !entry.getKey().equals("actorder"));
        return new Fields(place, path, new Mapping(entries, all.mapping().line()));
    }

    private static boolean isNull(YamlValue value) {
        return value instanceof Scalar(String text, int _) && text.isBlank();
    }

    /// The word `key`; empty where it is null, too.
    static Optional<String> word(Fields fields, String key) {
        return fields.value(key).filter(value -> !isNull(value)).flatMap(_ -> fields.text(key));
    }

    /// The groups of a modifier: its `config_groups`, or its `scheme` for its `targets`.
    ///
    /// @throws BadConfiguration where it has both or neither
    static List<Group> groups(Fields modifier) {
        Optional<YamlValue> listed = modifier.value("config_groups");
        Optional<YamlValue> scheme = modifier.value("scheme");
        if (listed.isPresent() == scheme.isPresent()) {
            throw modifier.refused("scheme", "either `scheme` or `config_groups` expected");
        }
        if (scheme.isPresent() && scheme.get() instanceof Scalar(String word, int _)) {
            return List.of(preset(modifier, "scheme", word));
        }
        return listed.map(value -> spelledOut(modifier, value))
                .orElseGet(() -> presets(modifier, scheme.orElseThrow()));
    }

    /// `scheme: {W8A8: [targets], W4A16: [targets]}`.
    private static List<Group> presets(Fields modifier, YamlValue value) {
        String path = modifier.path() + ".scheme";
        List<Group> groups = new ArrayList<>();
        entries(modifier.place(), path, value).forEach((word, targets) -> {
            Mapping group = new Mapping(Map.of("targets", targets), targets.line());
            groups.add(preset(new Fields(modifier.place(), path + "." + word, group), "targets", word));
        });
        return groups;
    }

    private static Group preset(Fields fields, String key, String word) {
        String name = word.toUpperCase(Locale.ROOT);
        if (NARROW.contains(name)) {
            throw fields.unsupported(key, "activations of 4 bits have no kernel: " + name + "A16 expected");
        }
        if (!PRESETS.containsKey(name)) {
            throw fields.refused(
                    key,
                    "unknown scheme `" + word + "`" + Spelling.hint(name, PRESETS.keySet()) + "; known here: "
                            + String.join(
                                    ", ", PRESETS.keySet().stream().sorted().toList()));
        }
        return new Group(
                fields, RecipeReader.scheme(fields, key, PRESETS.get(name)), Rounding.NEAREST, Optional.empty());
    }

    private static List<Group> spelledOut(Fields modifier, YamlValue value) {
        String path = modifier.path() + ".config_groups";
        List<Group> groups = new ArrayList<>();
        entries(modifier.place(), path, value)
                .forEach((name, group) -> groups.add(group(modifier.place(), path + "." + name, group)));
        return groups;
    }

    private static Map<String, YamlValue> entries(String place, String path, YamlValue value) {
        if (value instanceof Mapping(Map<String, YamlValue> entries, int _) && entries.size() <= GROUPS_MAX) {
            return entries;
        }
        throw Fields.refused(place, path, value, "at most " + GROUPS_MAX + " keys and their values expected");
    }

    private static Group group(String place, String path, YamlValue value) {
        Fields group = given(
                place, path, value, List.of("targets", "weights", "input_activations", "output_activations", "format"));
        group.value("output_activations").ifPresent(_ -> {
            throw group.unsupported("output_activations", "only what a matrix reads is quantized; leave it out");
        });
        group.value("input_activations").ifPresent(found -> activations(place, path + ".input_activations", found));
        Optional<YamlValue> weights = group.value("weights");
        if (weights.isEmpty()) {
            return new Group(group, Scheme.KEEP, Rounding.NEAREST, Optional.empty());
        }
        Fields arguments = given(place, path + ".weights", weights.get(), ARGUMENTS);
        return new Group(group, scheme(arguments), observer(arguments), word(arguments, "actorder"));
    }

    private static void activations(String place, String path, YamlValue value) {
        Fields arguments = given(place, path, value, ARGUMENTS);
        if (arguments.number("num_bits", 1, 32).orElse(8) < 8) {
            throw arguments.unsupported("num_bits", "activations of 8 bits or more expected");
        }
    }

    private static Scheme scheme(Fields weights) {
        if (weights.flag("dynamic").orElse(false)) {
            throw weights.unsupported("dynamic", "weights are quantized once: false expected");
        }
        boolean symmetric = weights.flag("symmetric").orElse(true);
        String strategy = weights.word("strategy", List.of("tensor", "channel", "group", "block", "tensor_group"))
                .orElse(weights.value("group_size").isPresent() ? "group" : "tensor");
        return switch (weights.word("type", List.of("int", "float")).orElse("int")) {
            case "float" -> RecipeReader.scheme(weights, "num_bits", floats(weights));
            default -> {
                int bits = weights.number("num_bits", 2, 8).orElse(8);
                yield RecipeReader.scheme(
                        weights,
                        "strategy",
                        "int" + bits + (symmetric ? "_sym" : "_asym") + "_" + columns(weights, strategy));
            }
        };
    }

    private static String columns(Fields weights, String strategy) {
        return switch (strategy) {
            case "tensor", "channel" -> "row";
            case "group" ->
                "g"
                        + weights.text("group_size")
                                .filter(GROUPS::contains)
                                .orElseThrow(() -> weights.unsupported(
                                        "group_size", "groups of " + String.join(", ", GROUPS) + " expected"));
            default -> throw weights.unsupported("strategy", "tensor, channel or group expected for integers");
        };
    }

    private static String floats(Fields weights) {
        int bits = weights.number("num_bits", 1, 32).orElse(8);
        if (bits == 8) {
            return "fp8_e4m3";
        }
        int group = weights.number("group_size", 1, 1 << 16).orElse(0);
        if (bits == 4 && (group == 16 || group == 32)) {
            return group == 16 ? "nvfp4" : "mxfp4";
        }
        throw weights.unsupported("num_bits", "floats of 8 bits, or of 4 in groups of 16 or 32, expected");
    }

    /// Scales from the extremes, or those of least squared error, which are weighted by the inputs' squares here.
    private static Rounding observer(Fields weights) {
        weights.value("observer_kwargs").ifPresent(value -> {
            if (!(value instanceof Mapping(Map<String, YamlValue> entries, int _)) || !entries.isEmpty()) {
                throw weights.unsupported("observer_kwargs", "observers have no settings here");
            }
        });
        String observer = weights.text("observer").orElse("minmax");
        return switch (observer.toLowerCase(Locale.ROOT)) {
            case "minmax", "static_minmax", "memoryless_minmax" -> Rounding.NEAREST;
            case "mse", "memoryless_mse", "imatrix_mse" -> Rounding.IMPORTANCE;
            default -> throw weights.refused("observer", "minmax or mse expected, found `" + observer + "`");
        };
    }

    /// How keys and values are cached.
    static KvEncodings kv(String place, String path, YamlValue value) {
        Fields arguments = given(place, path, value, ARGUMENTS);
        if (arguments.number("num_bits", 1, 32).orElse(8) != 8) {
            throw arguments.unsupported("num_bits", "keys and values of 8 bits expected");
        }
        return KvEncodings.alike(KvEncoding.Q8);
    }

    /// A module's class, its whole name, or `re:` with a pattern that begins where a name does.
    ///
    /// @throws BadConfiguration for a class that has no weights of its own
    static Target target(String word) {
        if (word.startsWith("re:")) {
            return new Target.Names(NamePattern.expression("^(?:" + word.substring(3) + ")"));
        }
        return switch (word) {
            case "Linear", "__ALL__", "__ALL_PRUNABLE__" -> new Target.Multiplied();
            case "Embedding" -> new Target.Group(TensorClass.EMBED);
            default -> Target.exact(word);
        };
    }
}
