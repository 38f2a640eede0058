package dev.trimtab.compress;

import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.compress.recipe.Recipe;
import dev.trimtab.compress.recipe.Rule;
import dev.trimtab.compress.recipe.RuleSet;
import dev.trimtab.compress.recipe.Scheme;
import dev.trimtab.compress.recipe.Stages.Quantize;
import dev.trimtab.compress.recipe.Subject;
import dev.trimtab.kernel.PackedFormat;
import dev.trimtab.tensor.Tensor;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// A recipe applied to one checkpoint: exactly one decision for each of its tensors, in the file's order. It is
/// made from names and shapes alone; no weight is read.
///
/// Where a rule cannot be carried out to the letter a fallback steps in, and the decision says which:
/// 1. vectors (norms, biases) stay f32;
/// 2. a router stays as stored unless an exact name or a pattern means it;
/// 3. an embedding that is not also the head stays as stored where its rule says `keep`: it is only looked up;
/// 4. a tied embedding and head are one tensor, so that the more precise rule of both decides;
/// 5. what a scheme's name says and no format has ([Scheme#note]).
public final class Plan {
    private final Recipe recipe;
    private final Map<String, Decision> decisions = new LinkedHashMap<>();
    private final Set<Rule<?>> unused = new HashSet<>();

    private Plan(Recipe recipe) {
        this.recipe = recipe;
    }

    /// What `recipe` makes of `checkpoint`.
    public static Plan of(Recipe recipe, Checkpoint checkpoint) {
        Plan plan = new Plan(recipe);
        List<Subject> subjects = checkpoint.tensors().values().stream()
                .map(tensor -> Subject.of(checkpoint, tensor))
                .toList();
        int layers = 1
                + subjects.stream()
                        .mapToInt(subject -> subject.layer().orElse(-1))
                        .max()
                        .orElse(-1);
        plan.unused.addAll(recipe.rules());
        for (Subject subject : subjects) {
            plan.unused.removeIf(rule -> rule.match(subject, layers).isPresent());
            plan.decisions.put(subject.tensor().name(), decide(recipe, subject, layers));
        }
        return plan;
    }

    private static Decision decide(Recipe recipe, Subject subject, int layers) {
        Tensor tensor = subject.tensor();
        if (tensor.shape().rank() == 1) {
            return decision(tensor, new Held.Vector(), "fallback", "vectors stay f32");
        }
        Optional<RuleSet.Winner<Quantize>> winner = recipe.quantize().winner(subject, layers);
        if (winner.isEmpty()) {
            return decision(tensor, keep(subject), "none", "kept as stored");
        }
        RuleSet.Winner<Quantize> won = winner.get();
        List<String> why = new ArrayList<>(List.of(won.level().word()));
        if (subject.isTied()) {
            why.add("embedding and head are one tensor");
        }
        if (subject.isRouter() && won.level().compareTo(Rule.Level.PATTERN) < 0) {
            why.add("a router stays as stored unless it is named");
            return decision(tensor, keep(subject), won.rule().text(), String.join("; ", why));
        }
        Scheme scheme = won.rule().action().scheme();
        if (!scheme.note().isEmpty()) {
            why.add(scheme.note());
        }
        Held held = scheme.format().<Held>map(Held.Packed::new).orElseGet(() -> keep(subject));
        return decision(tensor, held, won.rule().text(), String.join("; ", why));
    }

    private static Decision decision(Tensor tensor, Held held, String rule, String why) {
        return new Decision(tensor.name(), tensor.shape(), tensor.encoding(), held, rule, why);
    }

    /// In the format of about its size that is multiplied as it lies.
    private static Held keep(Subject subject) {
        return subject.isTable()
                ? new Held.Rows(subject.tensor().encoding())
                : new Held.Packed(PackedFormat.nearest(subject.tensor().encoding()));
    }

    public Recipe recipe() {
        return recipe;
    }

    /// In the checkpoint's order.
    public Collection<Decision> decisions() {
        return List.copyOf(decisions.values());
    }

    /// The format to pack the tensor `name` in; empty for what is not packed.
    public Optional<PackedFormat> format(String name) {
        Decision decision = decisions.get(name);
        return decision != null && decision.held() instanceof Held.Packed(PackedFormat format)
                ? Optional.of(format)
                : Optional.empty();
    }

    /// Rules that mean no tensor of this checkpoint, as they are written: most often a slip.
    public List<String> unusedRules() {
        return recipe.rules().stream().filter(unused::contains).map(Rule::text).toList();
    }

    /// Bytes in memory of all tensors.
    public long bytes() {
        return decisions.values().stream().mapToLong(Decision::bytes).sum();
    }

    /// Over all tensors, padding included.
    public double bitsPerWeight() {
        long elements = decisions.values().stream()
                .mapToLong(decision -> decision.shape().elements())
                .sum();
        return elements == 0 ? 0 : (double) Byte.SIZE * bytes() / elements;
    }
}
