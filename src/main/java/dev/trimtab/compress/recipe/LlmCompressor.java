package dev.trimtab.compress.recipe;

import dev.trimtab.compress.prune.SparsityMethod;
import dev.trimtab.compress.quantize.Gptq;
import dev.trimtab.compress.quantize.Rounding;
import dev.trimtab.compress.recipe.Stages.Extras;
import dev.trimtab.compress.recipe.Stages.Quantize;
import dev.trimtab.compress.recipe.Stages.Sparsity;
import dev.trimtab.compress.recipe.Stages.Sparsity.Pattern;
import dev.trimtab.compress.recipe.YamlValue.Mapping;
import dev.trimtab.error.BadConfiguration;
import dev.trimtab.kernel.KvEncodings;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/// Reads the recipes of llm-compressor: stages of modifiers, as people write them for `oneshot` and as it leaves
/// them beside what it made (`recipe.yaml`).
///
/// ```yaml
/// quant_stage:
///   quant_modifiers:
///     GPTQModifier: {targets: [Linear], ignore: [lm_head], scheme: W4A16, dampening_frac: 0.01}
/// ```
///
/// Each modifier becomes rules for its `targets` but for what it ignores; a matrix that no modifier means stays as
/// the checkpoint has it. What cannot be done here is refused by name.
///
/// Source: vllm-project/llm-compressor, `src/llmcompressor/modifiers`; vllm-project/compressed-tensors,
/// `quantization/quant_scheme.py` and `utils/match.py`.
final class LlmCompressor {
    private static final String STAGE = "_stage";
    private static final String MODIFIERS = "_modifiers";

    private static final String QUANTIZATION = "QuantizationModifier";
    private static final String GPTQ = "GPTQModifier";
    private static final String AWQ = "AWQModifier";
    private static final String SPARSE_GPT = "SparseGPTModifier";
    private static final String WANDA = "WandaPruningModifier";

    /// Modifiers that there are, and why not here.
    private static final Map<String, String> REFUSED = new LinkedHashMap<>(Map.of(
            "SmoothQuantModifier",
            "activations have a scale for each 32 here and are not smoothed; leave it out",
            "ConstantPruningModifier",
            "it keeps masks while a model is trained, and nothing is trained here; leave it out",
            "MagnitudePruningModifier",
            "it prunes while a model is trained; our own `prune: [{method: magnitude, sparsity: 0.5}]` does it at once",
            "AutoRoundModifier",
            "it trains roundings, and nothing is trained here; GPTQModifier comes nearest"));

    private static final List<String> NAMES = Stream.concat(
                    Stream.of(QUANTIZATION, GPTQ, AWQ, SPARSE_GPT, WANDA), REFUSED.keySet().stream())
            .toList();

    /// How their tool walks over a model, in which steps it searches and what it keeps where meanwhile: known, and
    /// no matter here.
    private static final List<String> RUNNING = List.of(
            "sequential_update",
            "sequential_targets",
            "offload_hessians",
            "offload_device",
            "max_chunk_memory",
            "block_size",
            "duo_scaling",
            "n_grid",
            "bypass_divisibility_checks");

    private static final List<String> QUANTIZATION_KEYS =
            RecipeReader.concat(List.of("targets", "ignore", "scheme", "config_groups", "kv_cache_scheme"), RUNNING);

    private static final List<String> SPARSITY_KEYS = RecipeReader.concat(
            List.of("targets", "ignore", "sparsity", "mask_structure", "sparsity_profile", "owl_m", "owl_lmbda"),
            RUNNING);

    /// SparseGPT's, as in its paper.
    private static final double DAMPING = 0.01;

    private final String source;
    private final List<Rule<Quantize>> quantize = new ArrayList<>();
    private final List<Rule<Sparsity>> sparsity = new ArrayList<>();
    private Optional<KvEncodings> kv = Optional.empty();

    /// An AWQModifier that leaves codes to the QuantizationModifier behind it.
    private Optional<Fields> scaling = Optional.empty();

    private LlmCompressor(String source) {
        this.source = source;
    }

    /// Whether `value` is such a recipe: it has stages.
    static boolean wrote(YamlValue value) {
        return value instanceof Mapping(Map<String, YamlValue> entries, int _)
                && entries.keySet().stream().anyMatch(key -> key.endsWith(STAGE));
    }

    /// @throws BadConfiguration with line and key where something is wrong
    /// @throws dev.trimtab.error.Unsupported naming what cannot be done
    static Recipe read(String source, YamlValue value) {
        LlmCompressor reader = new LlmCompressor(source);
        Fields.of(source, "", value, ending(value, STAGE)).mapping().entries().forEach(reader::stage);
        return new Recipe(source, inOrder(reader.quantize), reader.kv, Extras.pruning(inOrder(reader.sparsity)));
    }

    private static <T> RuleSet<T> inOrder(List<Rule<T>> rules) {
        return new RuleSet<>(rules, List.of(), RuleSet.Order.LAST);
    }

    /// The keys of `value` that end in `suffix`; what such a key looks like where there is none.
    private static List<String> ending(YamlValue value, String suffix) {
        List<String> keys = value instanceof Mapping(Map<String, YamlValue> entries, int _)
                ? entries.keySet().stream().filter(key -> key.endsWith(suffix)).toList()
                : List.of();
        return keys.isEmpty() ? List.of("quant" + suffix) : keys;
    }

    private void stage(String name, YamlValue value) {
        List<String> lists = ending(value, MODIFIERS);
        Fields stage = Fields.of(source, name, value, RecipeReader.concat(List.of("run_type"), lists));
        if (!stage.text("run_type").orElse("oneshot").equals("oneshot")) {
            throw stage.unsupported("run_type", "nothing is trained at load: oneshot expected");
        }
        for (String list : lists) {
            stage.value(list)
                    .map(modifiers -> Fields.of(source, name + "." + list, modifiers, NAMES))
                    .ifPresent(this::modifiers);
        }
        scaling.ifPresent(unused -> {
            throw unused.refused("scheme", "expected, or a QuantizationModifier behind it");
        });
    }

    private void modifiers(Fields modifiers) {
        modifiers.mapping().entries().forEach((name, value) -> {
            if (REFUSED.containsKey(name)) {
                throw modifiers.unsupported(name, REFUSED.get(name));
            }
            modifier(modifiers.path() + "." + name, name, value);
        });
    }

    private void modifier(String path, String name, YamlValue value) {
        switch (name) {
            case GPTQ -> {
                List<String> keys = RecipeReader.concat(QUANTIZATION_KEYS, List.of("dampening_frac", "actorder"));
                quantize(given(path, value, keys), Optional.of(Rounding.GPTQ), List.of());
            }
            case AWQ -> scale(given(path, value, RecipeReader.concat(QUANTIZATION_KEYS, List.of("mappings"))));
            case SPARSE_GPT -> {
                List<String> keys =
                        RecipeReader.concat(SPARSITY_KEYS, List.of("dampening_frac", "preserve_sparsity_mask"));
                prune(checked(given(path, value, keys)), SparsityMethod.SPARSEGPT);
            }
            case WANDA -> prune(given(path, value, SPARSITY_KEYS), SparsityMethod.WANDA);
            default -> {
                Optional<Fields> awq = scaling;
                scaling = Optional.empty();
                quantize(
                        given(path, value, QUANTIZATION_KEYS),
                        awq.map(_ -> Rounding.AWQ),
                        awq.map(this::balanced).orElse(List.of()));
            }
        }
    }

    private Fields given(String path, YamlValue value, List<String> known) {
        return CompressedTensors.given(source, path, value, known);
    }

    /// AWQ quantizes by itself where it says how, as in its older versions.
    private void scale(Fields awq) {
        if (awq.value("scheme").isPresent() || awq.value("config_groups").isPresent()) {
            quantize(awq, Optional.of(Rounding.AWQ), balanced(awq));
        } else {
            scaling = Optional.of(awq);
        }
    }

    /// The matrices whose columns `mappings` scales; empty for all. Where the inverse goes is known of the
    /// architecture here.
    private List<Target> balanced(Fields awq) {
        List<Target> targets = new ArrayList<>();
        List<YamlValue> mappings = awq.value("mappings").map(Fields::items).orElse(List.of());
        for (int i = 0; i < mappings.size(); i++) {
            Fields mapping = given(
                    awq.path() + ".mappings[" + i + "]",
                    mappings.get(i),
                    List.of("smooth_layer", "balance_layers", "activation_hook_target"));
            targets.addAll(targets(mapping, "balance_layers"));
        }
        return targets;
    }

    /// The rules of a modifier.
    ///
    /// @param rounding empty leaves it to each group's observer
    /// @param balanced all that `rounding` is for; empty for everything
    private void quantize(Fields modifier, Optional<Rounding> rounding, List<Target> balanced) {
        modifier.value("kv_cache_scheme").ifPresent(value -> {
            kv = Optional.of(CompressedTensors.kv(source, modifier.path() + ".kv_cache_scheme", value));
        });
        List<Target> ignored = targets(modifier, "ignore");
        for (CompressedTensors.Group group : CompressedTensors.groups(modifier)) {
            List<Target> targets = targets(group.fields(), "targets");
            Rounding plain = rounding.filter(_ -> balanced.isEmpty()).orElse(group.rounding());
            add(modifier, group, plain, limited(targets, List.of(), ignored));
            if (!balanced.isEmpty()) {
                add(modifier, group, rounding.orElseThrow(), limited(balanced, targets, ignored));
            }
        }
    }

    private void add(Fields modifier, CompressedTensors.Group group, Rounding rounding, List<Target> targets) {
        if (group.scheme().equals(Scheme.KEEP)) {
            quantize.add(rule(group.fields(), targets, "keep", Quantize.nearest(Scheme.KEEP)));
            return;
        }
        Gptq.Options gptq = rounding == Rounding.GPTQ ? gptq(modifier, group) : Gptq.Options.DEFAULT;
        Quantize action = new Quantize(group.scheme(), rounding, gptq);
        if (!action.isPacking()) {
            RecipeReader.located(modifier, "scheme", action::method);
        }
        quantize.add(rule(group.fields(), targets, group.scheme().name() + " " + rounding.label(), action));
    }

    /// Columns that share scales in groups go by how much they matter unless somebody says otherwise, as there.
    private static Gptq.Options gptq(Fields modifier, CompressedTensors.Group group) {
        String order = modifier.value("actorder").isPresent()
                ? CompressedTensors.word(modifier, "actorder").orElse("none")
                : group.actOrder().orElse(group.isGrouped() ? "static" : "none");
        boolean descending = switch (order) {
            case "static", "weight" -> true;
            case "none" -> false;
            case "group", "dynamic" ->
                throw modifier.unsupported("actorder", "groups of columns that are no neighbours: static expected");
            default -> throw modifier.refused("actorder", "static, group or null expected, found `" + order + "`");
        };
        return new Gptq.Options(
                modifier.real("dampening_frac", 0, 1).orElse(Gptq.Options.DEFAULT.damping()),
                descending ? Gptq.Order.DESCENDING : Gptq.Order.AS_STORED);
    }

    private static Fields checked(Fields sparseGpt) {
        sparseGpt.real("dampening_frac", 0, 1).filter(share -> share != DAMPING).ifPresent(_ -> {
            throw sparseGpt.unsupported("dampening_frac", DAMPING + " expected");
        });
        sparseGpt.flag("preserve_sparsity_mask").filter(preserved -> preserved).ifPresent(_ -> {
            throw sparseGpt.unsupported("preserve_sparsity_mask", "weights are pruned once here: false expected");
        });
        return sparseGpt;
    }

    private void prune(Fields modifier, SparsityMethod method) {
        for (String owl : List.of("sparsity_profile", "owl_m", "owl_lmbda")) {
            modifier.value(owl).ifPresent(_ -> {
                throw modifier.unsupported(owl, "each layer loses the same share here; leave it out");
            });
        }
        double share = modifier.real("sparsity", 0, 0.99)
                .orElseThrow(() -> modifier.refused("sparsity", "the share of weights to remove expected"));
        List<Target> targets = limited(targets(modifier, "targets"), List.of(), targets(modifier, "ignore"));
        Sparsity action = new Sparsity(method, share, pattern(modifier, share));
        sparsity.add(rule(modifier, targets, method.label() + " " + share, action));
    }

    private static Pattern pattern(Fields modifier, double share) {
        String structure = modifier.text("mask_structure").orElse("0:0");
        if (structure.equals("0:0") || structure.equals("unstructured")) {
            return new Pattern.Single();
        }
        if (!structure.matches("\\d{1,2}:\\d{1,2}")) {
            throw modifier.refused("mask_structure", "N:M (2:4) expected, found `" + structure + "`");
        }
        // There N of M go, here N of M stay.
        String[] parts = structure.split(":", 2);
        int of = Integer.parseInt(parts[1]);
        int kept = of - Integer.parseInt(parts[0]);
        return StageReader.keptOf(modifier, "mask_structure", kept, of, share);
    }

    /// The targets that stand under `key`, everything that is multiplied where it is not there.
    private static List<Target> targets(Fields fields, String key) {
        return fields.texts(key).stream()
                .map(word -> RecipeReader.located(fields, key, () -> CompressedTensors.target(word)))
                .toList();
    }

    private static List<Target> limited(List<Target> targets, List<Target> within, List<Target> ignored) {
        List<Target> meant = targets.isEmpty() ? List.of(new Target.Multiplied()) : targets;
        return within.isEmpty() && ignored.isEmpty()
                ? meant
                : meant.stream()
                        .<Target>map(target -> new Target.Limited(target, within, ignored))
                        .toList();
    }

    private static <T> Rule<T> rule(Fields fields, List<Target> targets, String does, T action) {
        return new Rule<>(fields.path() + " {" + does + "}", targets, List.of(), action);
    }
}
