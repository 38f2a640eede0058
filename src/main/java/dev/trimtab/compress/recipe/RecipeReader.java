package dev.trimtab.compress.recipe;

import dev.trimtab.compress.quantize.Gptq;
import dev.trimtab.compress.quantize.Rounding;
import dev.trimtab.compress.recipe.Stages.Quantize;
import dev.trimtab.compress.recipe.YamlValue.Mapping;
import dev.trimtab.compress.recipe.YamlValue.Scalar;
import dev.trimtab.error.BadConfiguration;
import dev.trimtab.kernel.KvEncoding;
import dev.trimtab.kernel.KvEncodings;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;

/// Makes a [Recipe] of YAML.
final class RecipeReader {
    /// Parts of the schema that this version refuses by name.
    private static final List<String> LATER = List.of("model", "variants", "autotune", "routing");

    private static final List<String> KEYS = concat(
            concat(
                    List.of("version", "match", "defaults", "quantize", "tensor_types", "topology", "kv"),
                    StageReader.KEYS),
            LATER);

    private static final List<String> ENTRY_KEYS = List.of(
            "targets",
            "layers",
            "scheme",
            "bits",
            "group",
            "asymmetric",
            "rounding",
            "block",
            "act_order",
            "dampening");

    private static final List<String> LATER_OF_KV = List.of("rotate", "window_fp");

    private static final Map<String, KvEncoding> KV = Map.of(
            "f32", KvEncoding.F32,
            "f16", KvEncoding.F16,
            "bf16", KvEncoding.BF16,
            "q8", KvEncoding.Q8,
            "q8_0", KvEncoding.Q8,
            "q4", KvEncoding.Q4,
            "q4_0", KvEncoding.Q4);

    /// Columns that GPTQ takes together; it changes nothing but the speed, so there is one.
    private static final List<String> GPTQ_BLOCK = List.of("128");

    /// Columns that share a scale.
    private static final List<String> GROUPS = List.of("32", "64", "128", "row");

    private static final int RULES_MAX = 10_000;

    private final String source;

    RecipeReader(String source) {
        this.source = source;
    }

    Recipe read(YamlValue value) {
        Fields fields = Fields.of(source, "", value, KEYS).without(LATER);
        fields.number("version", 1, 1);
        List<Rule<Quantize>> defaults = new ArrayList<>(defaults(fields));
        List<Rule<Quantize>> rules = new ArrayList<>();
        Optional<YamlValue> quantize = fields.value("quantize");
        if (quantize.isPresent() && quantize.get() instanceof Scalar) {
            defaults.addAll(shorthand(fields, "quantize"));
        } else if (quantize.isPresent()) {
            rules.addAll(entries(fields, "quantize", ENTRY_KEYS, RecipeReader::quantize));
        }
        rules.addAll(Imports.tensorTypes(fields));
        rules.addAll(Imports.topology(fields));
        if (rules.size() > RULES_MAX) {
            throw fields.refused("quantize", "at most " + RULES_MAX + " entries expected, found " + rules.size());
        }
        RuleSet.Order order = order(fields);
        return new Recipe(
                source, new RuleSet<>(rules, defaults, order), kv(fields), new StageReader(fields, order).read());
    }

    private static RuleSet.Order order(Fields fields) {
        return switch (fields.text("match").orElse("last")) {
            case "last" -> RuleSet.Order.LAST;
            case "first" -> RuleSet.Order.FIRST;
            default -> throw fields.refused("match", "first or last expected");
        };
    }

    private List<Rule<Quantize>> defaults(Fields fields) {
        return fields.value("defaults")
                .map(value -> Fields.of(source, "defaults", value, List.of("scheme", "seed")))
                .filter(defaults -> defaults.value("scheme").isPresent())
                .map(defaults -> shorthand(defaults, "scheme"))
                .orElse(List.of());
    }

    private static List<Rule<Quantize>> shorthand(Fields fields, String key) {
        String word = fields.text(key).orElseThrow(() -> fields.refused(key, "a scheme expected"));
        return Shorthand.rules(word)
                .orElseThrow(() ->
                        fields.refused(key, "unknown scheme `" + word + "`" + Spelling.hint(word, Shorthand.words())));
    }

    /// The entries of the stage `key`, each of which knows `keys`; `action` reads what is to be done.
    static <T> List<Rule<T>> entries(Fields stage, String key, List<String> keys, Function<Fields, T> action) {
        List<Rule<T>> rules = new ArrayList<>();
        List<YamlValue> items = stage.value(key).map(Fields::items).orElse(List.of());
        for (int i = 0; i < items.size(); i++) {
            Fields entry = Fields.of(stage.place(), key + "[" + i + "]", items.get(i), keys);
            rules.add(rule(entry, action.apply(entry)));
        }
        return rules;
    }

    /// The rule that `entry` is.
    static <T> Rule<T> rule(Fields entry, T action) {
        return new Rule<>(
                entry.path() + " " + written(entry.mapping()),
                entry.texts("targets").stream()
                        .map(word -> located(entry, "targets", () -> Target.parse(word)))
                        .toList(),
                entry.texts("layers").stream()
                        .filter(word -> !word.equals("auto"))
                        .map(word -> located(entry, "layers", () -> LayerRange.parse(word)))
                        .toList(),
                action);
    }

    private static Quantize quantize(Fields entry) {
        Rounding rounding = entry.text("rounding")
                .map(word -> Rounding.named(word)
                        .orElseThrow(() -> entry.refused(
                                "rounding",
                                "one of " + String.join(", ", Rounding.names()) + " expected, found `" + word + "`"
                                        + Spelling.hint(word, Rounding.names()))))
                .orElse(Rounding.NEAREST);
        entry.word("block", GPTQ_BLOCK);
        Quantize quantize = new Quantize(
                scheme(entry),
                rounding,
                new Gptq.Options(
                        entry.real("dampening", 0, 1).orElse(Gptq.Options.DEFAULT.damping()),
                        entry.flag("act_order").orElse(false) ? Gptq.Order.DESCENDING : Gptq.Order.AS_STORED));
        if (!quantize.isPacking()) {
            located(entry, "rounding", quantize::method);
        }
        return quantize;
    }

    private static Scheme scheme(Fields entry) {
        Optional<Integer> bits = entry.number("bits", 2, 8);
        Optional<Boolean> asymmetric = entry.flag("asymmetric");
        Optional<String> scheme = entry.text("scheme");
        if (scheme.isPresent() == bits.isPresent()) {
            throw entry.refused("scheme", "either `scheme` or `bits` expected");
        }
        if (bits.isPresent()) {
            String group = entry.word("group", GROUPS).orElse(GROUPS.getFirst());
            String codes = "int" + bits.get() + (asymmetric.orElse(false) ? "_asym" : "_sym");
            return scheme(entry, "group", codes + "_" + (group.equals("row") ? group : "g" + group));
        }
        if (asymmetric.isPresent() || entry.value("group").isPresent()) {
            String key = asymmetric.isPresent() ? "asymmetric" : "group";
            throw entry.refused(key, "goes with `bits`; a scheme's name says it (int4_asym_g64)");
        }
        return scheme(entry, "scheme", scheme.get());
    }

    /// The scheme `word`, which stands under `key`.
    static Scheme scheme(Fields fields, String key, String word) {
        if (Shorthand.isMixture(word)) {
            throw fields.refused(
                    key,
                    word + " is a mixture over the whole model: write `quantize: " + word + "`, or give it to"
                            + " `defaults`");
        }
        return Scheme.named(word)
                .orElseThrow(() ->
                        fields.refused(key, "unknown scheme `" + word + "`" + Spelling.hint(word, Scheme.names())));
    }

    private Optional<KvEncodings> kv(Fields fields) {
        Optional<YamlValue> value = fields.value("kv");
        if (value.isEmpty()) {
            return Optional.empty();
        }
        if (value.get() instanceof Scalar) {
            KvEncoding both = kv(fields, "kv");
            return Optional.of(located(fields, "kv", () -> KvEncodings.alike(both)));
        }
        Fields kv = Fields.of(source, "kv", value.get(), concat(List.of("k", "v"), LATER_OF_KV))
                .without(LATER_OF_KV);
        KvEncoding keys = kv(kv, "k");
        KvEncoding values = kv(kv, "v");
        return Optional.of(located(kv, "k", () -> new KvEncodings(keys, values)));
    }

    private static KvEncoding kv(Fields fields, String key) {
        String word = fields.text(key).orElseThrow(() -> fields.refused(key, "both `k` and `v` expected"));
        KvEncoding encoding = KV.get(word.toLowerCase(Locale.ROOT));
        if (encoding == null) {
            throw fields.refused(key, "f32, f16, bf16, q8 or, for values, q4 expected, found `" + word + "`");
        }
        return encoding;
    }

    /// What `parse` makes of the text under `key`; its refusals get file and line.
    static <T> T located(Fields fields, String key, Supplier<T> parse) {
        try {
            return parse.get();
        } catch (BadConfiguration refused) {
            throw fields.refused(key, String.valueOf(refused.getMessage()));
        }
    }

    /// An entry on one line, as in flow style.
    static String written(YamlValue value) {
        return switch (value) {
            case Scalar(String text, int _) -> text;
            case YamlValue.Listing(List<YamlValue> items, int _) ->
                items.stream().map(RecipeReader::written).toList().toString();
            case Mapping(Map<String, YamlValue> entries, int _) -> {
                List<String> pairs = new ArrayList<>();
                entries.forEach((key, entry) -> pairs.add(key + ": " + written(entry)));
                yield "{" + String.join(", ", pairs) + "}";
            }
        };
    }

    static List<String> concat(List<String> first, List<String> second) {
        List<String> all = new ArrayList<>(first);
        all.addAll(second);
        return List.copyOf(all);
    }
}
