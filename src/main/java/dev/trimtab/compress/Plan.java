package dev.trimtab.compress;

import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.checkpoint.coupling.Structure;
import dev.trimtab.compress.quantize.QuantizeScheme;
import dev.trimtab.compress.quantize.Rounding;
import dev.trimtab.compress.recipe.Recipe;
import dev.trimtab.compress.recipe.Rule;
import dev.trimtab.compress.recipe.RuleSet;
import dev.trimtab.compress.recipe.Scheme;
import dev.trimtab.compress.recipe.Stages.Quantize;
import dev.trimtab.compress.recipe.Subject;
import dev.trimtab.kernel.PackedFormat;
import dev.trimtab.tensor.Shape;
import dev.trimtab.tensor.Tensor;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// A recipe applied to one checkpoint: exactly one decision for each of its tensors, in the file's order. It is
/// made from names and shapes alone; no weight is read.
///
/// Where a rule cannot be carried out to the letter a fallback steps in, and the decision says which:
/// 1. vectors (norms, biases) stay f32;
/// 2. a router stays as stored unless an exact name or a pattern means it;
/// 3. an embedding that is not also the head stays as stored where its rule says `keep`: it is only looked up;
/// 4. a tied embedding and head are one tensor, so that the more precise rule of both decides;
/// 5. methods that need to know the inputs of a matrix leave a stack of experts to packing;
/// 6. AWQ scales columns only where a norm can take the inverse, and chooses by importance elsewhere;
/// 7. what a scheme's name says and no format has ([Scheme#note]).
public final class Plan {
    private static final Quantize KEEP = Quantize.nearest(Scheme.named("keep").orElseThrow());

    private final Recipe recipe;
    private final Structure structure;
    private final Map<String, Decision> decisions = new LinkedHashMap<>();
    private final Map<String, Treatment> treatments = new LinkedHashMap<>();

    /// What becomes of tensors that are thought to go, where others go instead: which layers matter least is known
    /// only once a text has been read.
    private final Map<String, Decision> spared = new HashMap<>();
    private final Set<Rule<?>> unused = new HashSet<>();

    private Plan(Recipe recipe, Structure structure) {
        this.recipe = recipe;
        this.structure = structure;
    }

    /// What `recipe` makes of `checkpoint`.
    ///
    /// @throws dev.trimtab.error.BadConfiguration where more is to be removed than can
    /// @throws dev.trimtab.error.Unsupported where the family's layers cannot be pruned so
    public static Plan of(Recipe recipe, Checkpoint checkpoint) {
        Structure structure = PredictedRemoval.isAsked(recipe.extras())
                ? Structure.of(
                        checkpoint.metadata(), checkpoint.shapes(), PredictedRemoval.of(recipe.extras(), checkpoint))
                : unchanged(checkpoint);
        Plan plan = new Plan(recipe, structure);
        List<Subject> subjects = checkpoint.tensors().values().stream()
                .map(tensor -> Subject.of(checkpoint, tensor))
                .toList();
        int layers = 1
                + subjects.stream()
                        .mapToInt(subject -> subject.layer().orElse(-1))
                        .max()
                        .orElse(-1);
        Map<String, Shape> left = new HashMap<>();
        structure.parts().values().forEach(part -> left.put(part.source(), part.shape()));
        plan.unused.addAll(recipe.rules());
        for (Subject subject : subjects) {
            plan.unused.removeIf(rule -> rule.match(subject, layers).isPresent());
            plan.decide(subject, layers, left.get(subject.tensor().name()));
        }
        plan.settleScaling();
        return plan;
    }

    /// Columns can be scaled only where all that reads a norm is, and is nothing but quantized; elsewhere scales
    /// are chosen by importance.
    private void settleScaling() {
        Map<String, Treatment> asked = Map.copyOf(treatments);
        asked.forEach((name, treatment) -> {
            if (treatment.scalesColumns() && !canScale(name, asked)) {
                Quantize quantize = treatment.quantize();
                treatments.put(
                        name, treatment.with(new Quantize(quantize.scheme(), Rounding.IMPORTANCE, quantize.gptq())));
                decisions.computeIfPresent(
                        name,
                        (_, decision) -> decision.because(
                                "codes by importance: what makes its input cannot take the inverse of awq's scale"));
            }
        });
    }

    private boolean canScale(String name, Map<String, Treatment> asked) {
        return NormReaders.normOf(name)
                .filter(decisions::containsKey)
                .map(norm -> NormReaders.of(norm, decisions.keySet()).stream().allMatch(reader -> {
                    Treatment treatment = asked.get(reader);
                    return treatment != null
                            && treatment.scalesColumns()
                            && treatment.factorize().isEmpty()
                            && treatment.sparsity().isEmpty()
                            && treatment.correct().isEmpty();
                }))
                .orElse(false);
    }

    private static Structure unchanged(Checkpoint checkpoint) {
        Map<String, Structure.Part> parts = new LinkedHashMap<>();
        checkpoint.shapes().forEach((name, shape) -> parts.put(name, new Structure.Part(name, shape, List.of())));
        return new Structure(checkpoint.metadata(), parts);
    }

    /// @param left what structured pruning leaves; null where it leaves nothing
    private void decide(Subject subject, int layers, @Nullable Shape left) {
        Tensor tensor = subject.tensor();
        Draft draft = new Draft(tensor, left == null ? tensor.shape() : left);
        if (tensor.shape().rank() == 1) {
            add(draft.decision(new Held.Vector(), "fallback", "vectors stay f32"));
        } else {
            decideMatrix(subject, layers, draft);
        }
        if (left == null) {
            spared.put(tensor.name(), decisions.get(tensor.name()));
            add(draft.decision(new Held.Gone(), "prune", "removed with its block"));
        }
    }

    private void add(Decision decision) {
        decisions.put(decision.tensor(), decision);
    }

    private void decideMatrix(Subject subject, int layers, Draft draft) {
        Optional<RuleSet.Winner<Quantize>> winner = recipe.quantize().winner(subject, layers);
        List<String> why = new ArrayList<>();
        String rule = winner.map(won -> won.rule().text()).orElse("none");
        why.add(winner.map(won -> won.level().word()).orElse("kept as stored"));
        if (winner.isPresent() && subject.isTied()) {
            why.add("embedding and head are one tensor");
        }
        Quantize quantize = winner.map(won -> won.rule().action()).orElse(KEEP);
        if (winner.isPresent() && subject.isRouter() && winner.get().level().compareTo(Rule.Level.PATTERN) < 0) {
            why.add("a router stays as stored unless it is named");
            add(draft.decision(keep(subject), rule, String.join("; ", why)));
            return;
        }
        if (!quantize.scheme().note().isEmpty()) {
            why.add(quantize.scheme().note());
        }
        Treatment treatment = new TreatmentChoice(recipe.extras(), subject, layers, why).of(quantize);
        treatments.put(subject.tensor().name(), treatment);
        Held base = held(quantize.scheme(), subject);
        add(draft.decision(treatment.held(base, draft.left()), rule, String.join("; ", why)));
    }

    private static Held held(Scheme scheme, Subject subject) {
        if (scheme.kept().orElse(null) instanceof QuantizeScheme.Codebook(int bits)) {
            return new Held.Shared(bits);
        }
        return scheme.format().<Held>map(Held.Packed::new).orElseGet(() -> keep(subject));
    }

    /// A decision but for what is decided.
    private record Draft(Tensor tensor, Shape left) {
        Decision decision(Held held, String rule, String why) {
            return new Decision(tensor.name(), tensor.shape(), left, tensor.encoding(), held, rule, why);
        }
    }

    /// In the format of about its size that is multiplied as it lies.
    private static Held keep(Subject subject) {
        return subject.isTable()
                ? new Held.Rows(subject.tensor().encoding())
                : new Held.Packed(PackedFormat.nearest(subject.tensor().encoding()));
    }

    /// Empty for what is not treated: vectors.
    Optional<Treatment> treatment(String name) {
        return Optional.ofNullable(treatments.get(name));
    }

    /// What structured pruning leaves, sizes only.
    Structure predicted() {
        return structure;
    }

    /// Whether blocks, units or rows of the vocabulary are removed as a whole.
    public boolean removes() {
        return PredictedRemoval.isAsked(recipe.extras());
    }

    public Recipe recipe() {
        return recipe;
    }

    /// What the tensor `name` of the checkpoint becomes.
    public Optional<Decision> decision(String name) {
        return Optional.ofNullable(decisions.get(name));
    }

    /// In the checkpoint's order.
    public Collection<Decision> decisions() {
        return List.copyOf(decisions.values());
    }

    /// The format that the tensor `name` of the checkpoint is rounded to by packing it; empty for what is not
    /// packed, or comes in an encoding that says its format.
    public Optional<PackedFormat> format(String name) {
        boolean packs = treatment(name).map(Treatment::isPacking).orElse(true);
        Decision decision = spared.getOrDefault(name, decisions.get(name));
        return packs && decision != null && decision.held() instanceof Held.Packed(PackedFormat format)
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
