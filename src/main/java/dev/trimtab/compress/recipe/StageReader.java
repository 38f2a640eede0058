package dev.trimtab.compress.recipe;

import static dev.trimtab.compress.recipe.RecipeReader.entries;
import static dev.trimtab.compress.recipe.RecipeReader.rule;

import dev.trimtab.compress.calibration.Needs;
import dev.trimtab.compress.compensate.CompensateMethod;
import dev.trimtab.compress.compensate.Compensation;
import dev.trimtab.compress.lowrank.Factorizer;
import dev.trimtab.compress.lowrank.LowRankMethod;
import dev.trimtab.compress.lowrank.RankRule;
import dev.trimtab.compress.prune.SparsityMethod;
import dev.trimtab.compress.prune.StructuredMethod;
import dev.trimtab.compress.prune.VocabularyRows.Limit;
import dev.trimtab.compress.recipe.Stages.Correct;
import dev.trimtab.compress.recipe.Stages.Evaluate;
import dev.trimtab.compress.recipe.Stages.Extras;
import dev.trimtab.compress.recipe.Stages.Factorize;
import dev.trimtab.compress.recipe.Stages.LayerDrop;
import dev.trimtab.compress.recipe.Stages.LayerPart;
import dev.trimtab.compress.recipe.Stages.MakeUp;
import dev.trimtab.compress.recipe.Stages.Merge;
import dev.trimtab.compress.recipe.Stages.Sparsity;
import dev.trimtab.compress.recipe.Stages.Sparsity.Pattern;
import dev.trimtab.compress.recipe.Stages.Statistics;
import dev.trimtab.compress.recipe.Stages.Structured;
import dev.trimtab.compress.recipe.Stages.Unit;
import dev.trimtab.compress.recipe.Stages.Vocabulary;
import dev.trimtab.compress.recipe.YamlValue.Mapping;
import dev.trimtab.tensor.Encoding;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Stream;

/// Reads every stage of a recipe but `quantize`.
final class StageReader {
    static final List<String> KEYS = List.of("statistics", "prune", "lowrank", "compensate", "adapters", "evaluate");

    private static final List<String> STRUCTURED = Arrays.stream(StructuredMethod.values())
            .map(StructuredMethod::label)
            .toList();
    private static final List<String> SINGLE =
            Arrays.stream(SparsityMethod.values()).map(SparsityMethod::label).toList();
    private static final String LAYER_DROP = "layer_drop";
    private static final String VOCABULARY = "vocab";
    private static final List<String> PRUNE_METHODS = Stream.of(STRUCTURED, SINGLE, List.of(LAYER_DROP, VOCABULARY))
            .flatMap(List::stream)
            .distinct()
            .toList();
    private static final List<String> PRUNE_KEYS = List.of(
            "method",
            "targets",
            "layers",
            "ratio",
            "unit",
            "align",
            "compensate",
            "scope",
            "sparsity",
            "structure",
            "count",
            "keep",
            "coverage",
            "keep_corpus",
            "enabled");
    private static final List<String> LOWRANK_KEYS =
            List.of("method", "targets", "layers", "whiten", "energy", "rank", "only_if_smaller");
    private static final List<String> COMPENSATE_KEYS =
            List.of("method", "targets", "layers", "rank", "budget_mb", "store", "iterations");
    private static final List<String> CORRECTIONS = Arrays.stream(CompensateMethod.values())
            .map(CompensateMethod::label)
            .toList();
    private static final List<String> FACTORIZATIONS =
            Arrays.stream(LowRankMethod.values()).map(LowRankMethod::label).toList();

    /// Neurons are kept in multiples of the kernels' tile.
    private static final int ALIGN = 32;

    private static final int RANK = 16;

    /// The most that one matrix gets of a budget where the recipe does not say.
    private static final int RANK_OF_BUDGET = 64;

    private static final int TOKENS = 4096;
    private static final int TOKENS_MAX = 1 << 20;

    /// As many tokens as a vocabulary may have anywhere here.
    private static final int TOKENS_KEPT_MAX = 1 << 22;

    private final Fields fields;
    private final RuleSet.Order order;
    private final List<Rule<Sparsity>> sparsity = new ArrayList<>();
    private final List<Rule<Structured>> structured = new ArrayList<>();
    private final List<Rule<LayerDrop>> layerDrops = new ArrayList<>();
    private Optional<Vocabulary> vocabulary = Optional.empty();

    /// @param fields of the whole recipe
    StageReader(Fields fields, RuleSet.Order order) {
        this.fields = fields;
        this.order = order;
    }

    Extras read() {
        readPrune();
        return new Extras(
                new RuleSet<>(sparsity, List.of(), order),
                structured,
                layerDrops,
                vocabulary,
                new RuleSet<>(entries(fields, "lowrank", LOWRANK_KEYS, StageReader::factorize), List.of(), order),
                new RuleSet<>(entries(fields, "compensate", COMPENSATE_KEYS, StageReader::correct), List.of(), order),
                merges(),
                statistics(),
                evaluate(),
                seed());
    }

    private long seed() {
        return fields.value("defaults")
                .map(value -> Fields.of(fields.place(), "defaults", value, List.of("scheme", "seed")))
                .flatMap(defaults -> defaults.number("seed", 0, 999_999_999))
                .map(Integer::longValue)
                .orElse(Extras.SEED);
    }

    private void readPrune() {
        List<YamlValue> items = fields.value("prune").map(Fields::items).orElse(List.of());
        for (int i = 0; i < items.size(); i++) {
            Fields entry = Fields.of(fields.place(), "prune[" + i + "]", items.get(i), PRUNE_KEYS);
            if (entry.flag("enabled").orElse(true)) {
                readPrune(entry);
            }
        }
    }

    private void readPrune(Fields entry) {
        String method = entry.word("method", PRUNE_METHODS)
                .orElseThrow(() -> entry.refused("method", "one of " + String.join(", ", PRUNE_METHODS) + " expected"));
        if (method.equals(LAYER_DROP)) {
            layerDrops.add(rule(entry, layerDrop(entry)));
        } else if (method.equals(VOCABULARY)) {
            if (vocabulary.isPresent()) {
                throw entry.refused("method", "one entry about the vocabulary expected, found a second");
            }
            vocabulary = Optional.of(vocabulary(entry));
        } else if (entry.value("sparsity").isPresent()) {
            sparsity.add(rule(entry, sparsity(entry, method)));
        } else {
            structured.add(rule(entry, structured(entry, method)));
        }
    }

    private static LayerDrop layerDrop(Fields entry) {
        LayerPart part = switch (entry.word("unit", List.of("layer", "attn_sublayer", "ffn_sublayer"))
                .orElse("layer")) {
            case "attn_sublayer" -> LayerPart.ATTENTION;
            case "ffn_sublayer" -> LayerPart.FEED_FORWARD;
            default -> LayerPart.LAYER;
        };
        boolean named =
                !entry.texts("layers").isEmpty() && !entry.texts("layers").contains("auto");
        Optional<Integer> count = entry.number("count", 1, 10_000);
        if (named == count.isPresent()) {
            throw entry.refused("count", "either `layers` by number or `count` expected");
        }
        return new LayerDrop(count.map(OptionalInt::of).orElse(OptionalInt.empty()), part);
    }

    /// `keep: 8000` is a number of tokens, `keep: 0.5` a share.
    private static Vocabulary vocabulary(Fields entry) {
        for (String key : List.of("targets", "layers", "ratio", "sparsity")) {
            entry.value(key).ifPresent(_ -> {
                throw entry.refused(key, "does not go with vocab, which says with `keep` or `coverage` what stays");
            });
        }
        if (entry.value("keep").isPresent() == entry.value("coverage").isPresent()) {
            throw entry.refused("keep", "either `keep` (tokens, or their share) or `coverage` (of a corpus) expected");
        }
        Limit limit =
                entry.real("coverage", 0, 1).<Limit>map(Limit.Coverage::new).orElseGet(() -> keep(entry));
        Optional<String> corpus = entry.text("keep_corpus");
        if (corpus.isPresent()
                && !corpus.get().equals("builtin")
                && !corpus.get().startsWith("file:")) {
            throw entry.refused("keep_corpus", "builtin or file:PATH expected, found `" + corpus.get() + "`");
        }
        return new Vocabulary(limit, corpus);
    }

    private static Limit keep(Fields entry) {
        boolean isShare = entry.text("keep").orElseThrow().startsWith("0.");
        return isShare
                ? new Limit.Share(entry.real("keep", 0, 1).orElseThrow())
                : new Limit.Count(entry.number("keep", 1, TOKENS_KEPT_MAX).orElseThrow());
    }

    private static Sparsity sparsity(Fields entry, String method) {
        if (!SINGLE.contains(method)) {
            throw entry.refused(
                    "sparsity",
                    method + " removes whole units: give it a `ratio`; `sparsity` goes with "
                            + String.join(", ", SINGLE));
        }
        double share = entry.real("sparsity", 0, 0.99).orElseThrow();
        String structure = entry.text("structure").orElse("unstructured");
        SparsityMethod known = SparsityMethod.of(method).orElseThrow();
        Pattern pattern = pattern(entry, structure, share);
        if (pattern instanceof Pattern.Vectors && known.needs() == Needs.COVARIANCE) {
            throw entry.refused(
                    "method", method + " removes single weights: magnitude, obd or wanda expected for vectors");
        }
        return new Sparsity(known, share, pattern);
    }

    private static Pattern pattern(Fields entry, String structure, double share) {
        if (structure.equals("unstructured")) {
            return new Pattern.Single();
        }
        if (structure.equals("vector") || structure.equals("32x1")) {
            return new Pattern.Vectors();
        }
        if (!structure.matches("\\d{1,2}:\\d{1,2}")) {
            throw entry.refused("structure", "unstructured, vector or N:M (2:4) expected, found `" + structure + "`");
        }
        String[] parts = structure.split(":", 2);
        return keptOf(entry, "structure", Integer.parseInt(parts[0]), Integer.parseInt(parts[1]), share);
    }

    /// `kept` of each `of`, as `key` says, which must come to removing `share`.
    static Pattern keptOf(Fields entry, String key, int kept, int of, double share) {
        if (kept < 1 || kept >= of || of > 32 || Math.abs(share - (1 - (double) kept / of)) > 0.005) {
            throw entry.refused(
                    key,
                    "it keeps " + kept + " of " + of + ": sparsity " + (1 - (double) kept / Math.max(1, of))
                            + " expected, found " + share);
        }
        return new Pattern.NofM(kept, of);
    }

    private static Structured structured(Fields entry, String method) {
        if (!STRUCTURED.contains(method)) {
            throw entry.refused(
                    "method",
                    method + " removes single weights: give it a `sparsity`; a `ratio` goes with "
                            + String.join(", ", STRUCTURED));
        }
        double ratio = entry.real("ratio", 0, 0.95)
                .orElseThrow(() -> entry.refused("ratio", "the share of units to remove expected"));
        Rule<String> where = rule(entry, method);
        Set<Unit> units = EnumSet.noneOf(Unit.class);
        if (where.means(TensorClass.ATTN)) {
            units.add(Unit.KV_GROUP);
        }
        if (where.means(TensorClass.FFN)) {
            units.add(Unit.NEURON);
        }
        if (units.isEmpty()) {
            throw entry.refused("targets", "attn, ffn or both expected: units are removed by the layer");
        }
        checkUnits(entry);
        MakeUp makeUp = MakeUp.valueOf(entry.word("compensate", List.of("none", "bias", "lsq"))
                .orElse("none")
                .toUpperCase(Locale.ROOT));
        boolean global =
                entry.word("scope", List.of("layer", "global")).orElse("layer").equals("global");
        return new Structured(
                List.of(StructuredMethod.values()).get(STRUCTURED.indexOf(method)),
                units,
                ratio,
                entry.number("align", 1, 4096).orElse(ALIGN),
                makeUp,
                global);
    }

    /// There is one unit for each class; the schema lets users say so.
    private static void checkUnits(Fields entry) {
        entry.value("unit").ifPresent(value -> {
            Fields units = Fields.of(entry.place(), entry.path() + ".unit", value, List.of("attn", "ffn"));
            units.word("attn", List.of("kv_group"));
            units.word("ffn", List.of("neuron"));
        });
    }

    /// `whiten: diag` and `full` are other names for what the methods say.
    private static Factorize factorize(Fields entry) {
        String method = entry.word("method", FACTORIZATIONS).orElse(LowRankMethod.SVD.label());
        String whiten = entry.word("whiten", List.of("none", "diag", "full")).orElse("none");
        if (!whiten.equals("none") && !method.equals(LowRankMethod.SVD.label())) {
            throw entry.refused("whiten", "goes with method svd; " + method + " says it by itself");
        }
        LowRankMethod known = switch (whiten) {
            case "diag" -> LowRankMethod.SVD_DIAGONAL;
            case "full" -> LowRankMethod.SVD_LLM;
            default -> List.of(LowRankMethod.values()).get(FACTORIZATIONS.indexOf(method));
        };
        if (!entry.flag("only_if_smaller").orElse(true)) {
            throw entry.refused("only_if_smaller", "a factorization that is larger than its matrix is never taken");
        }
        Optional<Integer> rank = entry.number("rank", 1, Factorizer.RANK_MAX);
        if (rank.isPresent() && entry.value("energy").isPresent()) {
            throw entry.refused("energy", "either `rank` or `energy` expected");
        }
        double energy = entry.real("energy", 0.01, 1).orElse(RankRule.Energy.DEFAULT.share());
        return new Factorize(known, rank.<RankRule>map(RankRule.Fixed::new).orElse(new RankRule.Energy(energy)));
    }

    private static Correct correct(Fields entry) {
        String method = entry.word("method", CORRECTIONS).orElse(CompensateMethod.EORA.label());
        Encoding store = switch (entry.word("store", List.of("q8_0", "f16")).orElse("q8_0")) {
            case "f16" -> Encoding.F16;
            default -> Encoding.Q8_0;
        };
        Optional<Integer> budget = entry.number("budget_mb", 1, 100_000);
        Compensation how = new Compensation(
                List.of(CompensateMethod.values()).get(CORRECTIONS.indexOf(method)),
                entry.number("rank", 1, Factorizer.RANK_MAX).orElse(budget.isPresent() ? RANK_OF_BUDGET : RANK),
                store,
                entry.number("iterations", 1, Compensation.ROUNDS_MAX).orElse(1));
        return new Correct(how, budget.map(OptionalInt::of).orElse(OptionalInt.empty()));
    }

    private List<Merge> merges() {
        List<Merge> merges = new ArrayList<>();
        List<YamlValue> items = fields.value("adapters").map(Fields::items).orElse(List.of());
        for (int i = 0; i < items.size(); i++) {
            Fields entry = Fields.of(
                    fields.place(), "adapters[" + i + "]", items.get(i), List.of("name", "path", "scale", "mode"));
            if (!entry.word("mode", List.of("merge", "live")).orElse("merge").equals("merge")) {
                throw entry.refused("mode", "live adapters belong to the model in trimtab.yaml; a recipe merges");
            }
            String path = entry.text("path").orElseThrow(() -> entry.refused("path", "the adapter's file expected"));
            merges.add(new Merge(
                    entry.text("name").orElse(path),
                    path,
                    entry.real("scale", 0, 100).orElse(1.0).floatValue()));
        }
        return merges;
    }

    private Optional<Statistics> statistics() {
        return fields.value("statistics").map(value -> {
            Fields entry = Fields.of(fields.place(), "statistics", value, List.of("corpus", "tokens"));
            String corpus = entry.text("corpus").orElse(Statistics.BUILTIN.corpus());
            if (!corpus.equals("builtin") && !corpus.startsWith("file:") && !corpus.startsWith("imatrix:")) {
                throw entry.refused("corpus", "builtin, file:PATH or imatrix:PATH expected, found `" + corpus + "`");
            }
            return new Statistics(corpus, entry.number("tokens", 64, TOKENS_MAX).orElse(Statistics.BUILTIN.tokens()));
        });
    }

    private Optional<Evaluate> evaluate() {
        return fields.value("evaluate").map(value -> {
            Fields entry =
                    Fields.of(fields.place(), "evaluate", value, List.of("corpus", "tokens", "gates", "on_fail"));
            Map<String, String> gates = new LinkedHashMap<>();
            entry.value("gates").ifPresent(found -> {
                if (!(found instanceof Mapping(Map<String, YamlValue> metrics, int _))) {
                    throw entry.refused("gates", "metrics with their bounds expected, such as kld_mean: \"<=0.05\"");
                }
                Fields bounds = Fields.of(fields.place(), "evaluate.gates", found, List.copyOf(metrics.keySet()));
                metrics.keySet()
                        .forEach(metric -> gates.put(metric, bounds.text(metric).orElseThrow()));
            });
            return new Evaluate(
                    entry.text("corpus").orElse("builtin"),
                    entry.number("tokens", 64, TOKENS_MAX).orElse(TOKENS),
                    gates,
                    entry.word("on_fail", List.of("quarantine", "warn")).orElse("quarantine"));
        });
    }
}
