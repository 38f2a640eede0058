package dev.trimtab.compress.recipe;

import dev.trimtab.compress.recipe.Stages.Quantize;
import dev.trimtab.compress.recipe.YamlValue.Mapping;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// Rules in the words of other tools, so that what users have works here.
final class Imports {
    private Imports() {}

    /// llama-quantize's `--tensor-type`: `tensor_types: ["attn_v=q6_k", "\\.(1|3)\\.ffn_down=q5_k"]`, patterns
    /// found anywhere in GGUF's or Hugging Face's name. There the first that matches wins: say `match: first`.
    static List<Rule<Quantize>> tensorTypes(Fields fields) {
        List<Rule<Quantize>> rules = new ArrayList<>();
        for (String text : fields.texts("tensor_types")) {
            int equals = text.lastIndexOf('=');
            if (equals < 1) {
                throw fields.refused("tensor_types", "PATTERN=SCHEME expected, found `" + text + "`");
            }
            String pattern = text.substring(0, equals);
            rules.add(new Rule<>(
                    "tensor_types " + text,
                    List.of(RecipeReader.located(
                            fields, "tensor_types", () -> new Target.Names(NamePattern.expression(pattern)))),
                    List.of(),
                    Quantize.nearest(RecipeReader.scheme(fields, "tensor_types", text.substring(equals + 1)))));
        }
        return rules;
    }

    /// mistral.rs's topology: layer ranges, or `/patterns/`, each with an `isq` and perhaps a `device`, of which
    /// there is one here: `cpu`.
    static List<Rule<Quantize>> topology(Fields fields) {
        if (fields.value("topology").isEmpty()) {
            return List.of();
        }
        if (!(fields.value("topology").get() instanceof Mapping(Map<String, YamlValue> entries, int _))) {
            throw fields.refused("topology", "ranges or /patterns/ with their settings expected");
        }
        List<Rule<Quantize>> rules = new ArrayList<>();
        entries.forEach((key, value) -> {
            String path = "topology." + key;
            Fields entry = Fields.of(fields.place(), path, value, List.of("isq", "device"));
            if (!entry.text("device").orElse("cpu").equals("cpu")) {
                throw entry.unsupported("device", "models run on the cpu");
            }
            entry.text("isq").ifPresent(isq -> rules.add(topology(fields, entry, key, isq)));
        });
        return rules;
    }

    private static Rule<Quantize> topology(Fields fields, Fields entry, String key, String isq) {
        boolean pattern = key.length() > 2 && key.startsWith("/") && key.endsWith("/");
        List<Target> targets = pattern
                ? List.of(RecipeReader.located(
                        fields,
                        "topology",
                        () -> new Target.Names(NamePattern.expression(key.substring(1, key.length() - 1)))))
                : List.of();
        List<LayerRange> layers =
                pattern ? List.of() : List.of(RecipeReader.located(fields, "topology", () -> LayerRange.parse(key)));
        return new Rule<>(
                "topology " + key + " {isq: " + isq + "}",
                targets,
                layers,
                Quantize.nearest(RecipeReader.scheme(entry, "isq", ggml(isq))));
    }

    /// mistral.rs writes `Q4K` and a bare number of bits, we `q4_k`: 4, 5, 6 and so on mean its k-quants.
    private static String ggml(String isq) {
        String word = isq.toLowerCase(Locale.ROOT);
        if (word.equals("8")) {
            return "q8_0";
        }
        if (word.matches("[2-6]")) {
            return "q" + word + "_k";
        }
        return word.matches("q[2-6]k") ? word.substring(0, 2) + "_k" : word;
    }
}
