package dev.trimtab.compress;

import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.checkpoint.ContentHash;
import dev.trimtab.checkpoint.Metadata;
import dev.trimtab.checkpoint.WeightSource;
import dev.trimtab.checkpoint.coupling.Removal;
import dev.trimtab.checkpoint.coupling.Structure;
import dev.trimtab.checkpoint.vocabulary.KeptTokens;
import dev.trimtab.checkpoint.vocabulary.ShrunkVocabulary;
import dev.trimtab.compress.calibration.CalibrationSource;
import dev.trimtab.compress.calibration.Inputs;
import dev.trimtab.compress.calibration.TokenUse;
import dev.trimtab.compress.compensate.RankBudget;
import dev.trimtab.compress.matrix.LargeGarbage;
import dev.trimtab.compress.matrix.Matrix;
import dev.trimtab.compress.prune.Compensated;
import dev.trimtab.compress.quantize.ActivationScaling;
import dev.trimtab.compress.quantize.QuantizeScheme;
import dev.trimtab.compress.recipe.Rule;
import dev.trimtab.compress.recipe.Stages.MakeUp;
import dev.trimtab.compress.recipe.Stages.Structured;
import dev.trimtab.compress.recipe.Stages.Vocabulary;
import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.Internal;
import dev.trimtab.kernel.ComputePool;
import dev.trimtab.kernel.memory.MappedPages;
import dev.trimtab.tensor.Shape;
import dev.trimtab.tensor.Tensor;
import dev.trimtab.tensor.TensorForm;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// A plan carried out: the checkpoint as the recipe wants it, tensor by tensor as a loader asks. What is to be
/// removed is decided first, since all sizes hang on it; every other stage sees one matrix at a time, so that a
/// load holds one decoded matrix, and what its method needs, beside what is packed already.
///
/// Not thread-safe: one loader at a time.
public final class Compression implements WeightSource {
    /// What compressing needs beside the checkpoint.
    ///
    /// @param calibration asked only if a method needs activations; closed by whoever made it
    /// @param tokens asked only if the vocabulary is to lose some
    /// @param progress hears about each matrix that a method works on
    public record Resources(
            ComputePool pool,
            Supplier<CalibrationSource> calibration,
            Function<Vocabulary, TokenUse> tokens,
            Progress progress) {}

    /// Hears what long stages are at.
    @FunctionalInterface
    public interface Progress {
        Progress NONE = (_, _) -> {};

        /// @param share of `tensor` that is done, 0..1
        void at(String tensor, double share);
    }

    private final Plan plan;
    private final WeightSource checkpoint;
    private final Resources resources;
    private final Optional<Removal> removal;
    private final Structure structure;
    private final Metadata metadata;
    private final Map<String, Shape> shapes = new LinkedHashMap<>();

    /// Of a bias that compensation adds, the tensor it belongs to.
    private final Map<String, String> addedBiases = new LinkedHashMap<>();

    private final Map<String, float[]> columnScales = new HashMap<>();
    private final BudgetedRanks ranks;
    private @Nullable String compensatedName;
    private @Nullable Compensated compensated;

    private Compression(Plan plan, WeightSource checkpoint, Resources resources, Optional<Removal> removal) {
        this.plan = plan;
        this.checkpoint = checkpoint;
        this.resources = resources;
        this.removal = removal;
        this.structure = removal.map(what -> Structure.of(checkpoint.metadata(), checkpoint.shapes(), what))
                .orElseGet(plan::predicted);
        this.metadata = keptTokens()
                .map(kept -> ShrunkVocabulary.of(structure.metadata(), kept))
                .orElse(structure.metadata());
        this.ranks = new BudgetedRanks(
                plan,
                structure.parts().values().stream().map(Structure.Part::source).toList(),
                this::gains);
        structure.parts().forEach((name, part) -> {
            shapes.put(name, part.shape());
            String bias = biasOf(name);
            if (makeUp(part) != MakeUp.NONE && !structure.parts().containsKey(bias)) {
                addedBiases.put(bias, name);
                shapes.put(bias, Shape.of(part.shape().rows()));
            }
        });
    }

    /// Decides what is removed, which may take a pass over the calibration text; the rest waits. `checkpoint` is
    /// the one that was planned for, or what merging adapters made of it.
    public static Compression of(Plan plan, WeightSource checkpoint, Resources resources) {
        return new Compression(
                plan,
                checkpoint,
                resources,
                plan.removes()
                        ? Optional.of(new ScoredRemoval(plan.recipe().extras(), checkpoint, resources).decide())
                        : Optional.empty());
    }

    /// As [#of], where what is removed was decided before.
    ///
    /// @throws dev.trimtab.error.BadConfiguration where `removal` does not fit the checkpoint
    public static Compression removing(Removal removal, Plan plan, WeightSource checkpoint, Resources resources) {
        return new Compression(plan, checkpoint, resources, Optional.of(removal));
    }

    public Plan plan() {
        return plan;
    }

    /// What is removed as a whole, if anything is to be.
    public Optional<Removal> removal() {
        return removal;
    }

    /// The tokens of the checkpoint that stay, where some go.
    public Optional<KeptTokens> keptTokens() {
        return removal.flatMap(Removal::keptTokens);
    }

    /// Whether a method has to see weights to make `name`; the rest is the checkpoint's, cut.
    public boolean isMade(String name) {
        if (addedBiases.containsKey(name)
                || makesUpBias(name)
                || !scaledReaders(name).isEmpty()) {
            return true;
        }
        Structure.Part part = part(name);
        boolean isPacking =
                plan.treatment(part.source()).map(Treatment::isPacking).orElse(true);
        return !isPacking || makeUp(part) != MakeUp.NONE;
    }

    @Override
    public Metadata metadata() {
        return metadata;
    }

    @Override
    public Map<String, Shape> shapes() {
        return Collections.unmodifiableMap(shapes);
    }

    /// The checkpoint's name of the tensor that is `name` here; layers move up when others are dropped.
    public String sourceName(String name) {
        return part(addedBiases.getOrDefault(name, name)).source();
    }

    private Tensor stored(String name) {
        return switch (checkpoint.form(name)) {
            case TensorForm.Dense(Tensor tensor) -> tensor;
            case TensorForm other -> throw new Internal(name + " is compressed already: " + other.shape());
        };
    }

    private Structure.Part part(String name) {
        Structure.Part part = structure.parts().get(name);
        if (part == null) {
            throw new BadCheckpoint(metadata().source() + ": tensor " + name + " is missing");
        }
        return part;
    }

    @Override
    public TensorForm form(String name) {
        String owner = addedBiases.get(name);
        if (owner != null) {
            return Vectors.form(name, compensated(owner).bias());
        }
        Structure.Part part = part(name);
        Tensor source = stored(part.source());
        TensorForm form = form(name, part, source);
        MappedPages.release(source.data());
        return form;
    }

    private TensorForm form(String name, Structure.Part part, Tensor source) {
        if (makesUpBias(name)) {
            float[] added = compensated(weightOf(name)).bias();
            return Vectors.form(name, Vectors.sum(part.apply(source), added));
        }
        if (!scaledReaders(name).isEmpty()) {
            return Vectors.form(name, Vectors.quotient(part.apply(source), columnScale(name)));
        }
        Optional<Treatment> treatment = plan.treatment(part.source());
        boolean makesUp = makeUp(part) != MakeUp.NONE;
        if (treatment.isEmpty() || (treatment.get().isPacking() && !makesUp)) {
            return new TensorForm.Dense(part.apply(source));
        }
        TensorForm made = stages(name, part, ranks.settled(part.source(), treatment.get()))
                .form(matrix(name, part));
        long columns = source.shape().columns();
        LargeGarbage.left(Float.BYTES * columns * (source.shape().rows() + columns));
        return made;
    }

    /// What is left of a matrix before any method but structured pruning has seen it.
    private Matrix matrix(String name, Structure.Part part) {
        return makeUp(part) == MakeUp.NONE
                ? Matrix.of(name, new TensorForm.Dense(part.apply(stored(part.source()))))
                : compensated(name).matrix();
    }

    private MatrixStages stages(String name, Structure.Part part, Treatment treatment) {
        return new MatrixStages(
                name,
                stored(part.source()).encoding(),
                treatment,
                treatment.scalesColumns() ? NormReaders.normOf(name).map(this::columnScale) : Optional.empty(),
                inputs(part),
                plan.recipe().extras().seed(),
                resources.pool(),
                share -> resources.progress().at(name, share));
    }

    private RankBudget.Candidate gains(String source) {
        String name = structure.parts().entrySet().stream()
                .filter(entry -> entry.getValue().source().equals(source))
                .map(Map.Entry::getKey)
                .findFirst()
                .orElseThrow();
        Structure.Part part = part(name);
        return stages(name, part, plan.treatment(source).orElseThrow()).gains(matrix(name, part));
    }

    /// The matrices that read the norm `name` and have their columns scaled; none where it is no such norm.
    private List<String> scaledReaders(String name) {
        return NormReaders.of(name, structure.parts().keySet()).stream()
                .filter(reader -> plan.treatment(part(reader).source())
                        .filter(Treatment::scalesColumns)
                        .isPresent())
                .toList();
    }

    /// AWQ's scale of the columns of all that read `norm`.
    private float[] columnScale(String norm) {
        String key = norm.replaceFirst("\\.bias$", ".weight");
        float[] known = columnScales.get(key);
        if (known != null) {
            return known;
        }
        List<String> readers = scaledReaders(key);
        Structure.Part first = part(readers.getFirst());
        List<Matrix> matrices =
                readers.stream().map(reader -> matrix(reader, part(reader))).toList();
        if (!(plan.treatment(first.source()).orElseThrow().quantize().scheme().chosen()
                instanceof QuantizeScheme.Codes codes)) {
            throw new Internal(norm + ": awq scales columns of integer codes");
        }
        float[] scale = ActivationScaling.search(matrices, codes, inputs(first).statistics());
        columnScales.put(key, scale);
        return scale;
    }

    /// Asked for when a method needs it, of columns that are still there.
    private Inputs inputs(Structure.Part part) {
        Inputs lazy = new LazyInputs(() -> resources.calibration().get().inputs(part.source()));
        return part.columnsKept()
                .<Inputs>map(kept -> new KeptInputs(lazy, kept))
                .orElse(lazy);
    }

    /// How what `part` lost is given back: it is the last matrix of a block that lost units.
    private MakeUp makeUp(Structure.Part part) {
        if (part.shape().rank() != 2 || part.columnsKept().isEmpty()) {
            return MakeUp.NONE;
        }
        MakeUp found = MakeUp.NONE;
        for (Rule<Structured> rule : plan.recipe().extras().structured()) {
            found = rule.action().makeUp() == MakeUp.NONE
                    ? found
                    : rule.action().makeUp();
        }
        return found;
    }

    /// Matrix and bias are made together, and asked for one after the other.
    private Compensated compensated(String name) {
        Compensated known = compensated;
        if (known != null && name.equals(compensatedName)) {
            return known;
        }
        Structure.Part part = part(name);
        Tensor source = stored(part.source());
        Matrix whole = Matrix.of(name, new TensorForm.Dense(source));
        MappedPages.release(source.data());
        int[] kept = part.columnsKept().orElseThrow();
        Inputs inputs = resources.calibration().get().inputs(part.source());
        Compensated made = switch (makeUp(part)) {
            case NONE -> Compensated.dropped(whole, kept);
            case BIAS -> Compensated.bias(whole, kept, inputs.statistics());
            case LSQ -> Compensated.leastSquares(whole, kept, inputs, resources.pool());
        };
        compensatedName = name;
        compensated = made;
        return made;
    }

    private static String biasOf(String weight) {
        return weight.replaceFirst("\\.weight$", ".bias");
    }

    private static String weightOf(String bias) {
        return bias.replaceFirst("\\.bias$", ".weight");
    }

    /// Equal content has equal addresses: those of all that a form is made from. What depends on activations
    /// depends on where they are met, and so on the tensor's name.
    @Override
    public String address(String name) {
        Structure.Part part = part(addedBiases.getOrDefault(name, name));
        String source = checkpoint.address(part.source());
        if (checkpoint instanceof Checkpoint file) {
            MappedPages.release(file.tensor(part.source()).data());
        }
        List<String> readers = scaledReaders(name);
        if (!readers.isEmpty()) {
            String all = String.join(" ", readers.stream().map(this::address).toList());
            return ContentHash.of(source, all);
        }
        if (!isMade(name)) {
            return part.cuts().isEmpty() ? source : ContentHash.of(source, part.cutText());
        }
        boolean bias = name.endsWith(".bias");
        Optional<Treatment> treatment = plan.treatment(part.source());
        boolean makesUp = makeUp(part) != MakeUp.NONE || (bias && makesUpBias(name));
        boolean isDataFree = isDataFree(treatment, makesUp);
        return ContentHash.of(
                source,
                part.cutText(),
                makesUp && bias ? addressOfWeight(name) : "",
                bias ? "bias" : "weight",
                makeUp(part).name(),
                treatment.map(Treatment::toString).orElse(""),
                treatment.map(this::together).orElse(""),
                Long.toString(plan.recipe().extras().seed()),
                isDataFree ? "" : part.source(),
                isDataFree ? "" : resources.calibration().get().digest());
    }

    /// Of a treatment that hangs on other matrices too, what they all are, and what happens to them.
    private String together(Treatment treatment) {
        boolean hangs = treatment.scalesColumns()
                || treatment
                        .correct()
                        .flatMap(asked -> box(asked.budgetMebibytes()))
                        .isPresent();
        if (!hangs) {
            return "";
        }
        return structure.parts().values().stream()
                .map(part -> checkpoint.address(part.source()) + part.cutText())
                .collect(Collectors.joining(" ", plan.recipe().digest() + " ", ""));
    }

    private static Optional<Integer> box(OptionalInt number) {
        return number.isPresent() ? Optional.of(number.getAsInt()) : Optional.empty();
    }

    /// Whether `name` is a bias of the checkpoint that takes up what its matrix lost.
    private boolean makesUpBias(String name) {
        if (!name.endsWith(".bias") || addedBiases.containsKey(name)) {
            return false;
        }
        Structure.Part weight = structure.parts().get(weightOf(name));
        return weight != null && makeUp(weight) != MakeUp.NONE;
    }

    private String addressOfWeight(String bias) {
        Structure.Part weight = part(addedBiases.getOrDefault(bias, weightOf(bias)));
        return checkpoint.address(weight.source()) + weight.cutText() + makeUp(weight);
    }

    private static boolean isDataFree(Optional<Treatment> treatment, boolean makesUp) {
        return !makesUp && treatment.map(Treatment::isDataFree).orElse(true);
    }
}
