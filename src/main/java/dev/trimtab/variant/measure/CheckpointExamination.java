package dev.trimtab.variant.measure;

import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.checkpoint.cache.CachedFile;
import dev.trimtab.checkpoint.cache.Digest;
import dev.trimtab.error.Conflict;
import dev.trimtab.error.Internal;
import dev.trimtab.error.TrimtabException;
import dev.trimtab.model.Model;
import dev.trimtab.model.ModelLoader;
import dev.trimtab.quality.measure.Dialect;
import dev.trimtab.quality.measure.MeasuredText;
import dev.trimtab.quality.measure.Measuring;
import dev.trimtab.quality.measure.Teacher;
import dev.trimtab.tokenizer.Tokenizer;
import dev.trimtab.variant.Measured;
import dev.trimtab.variant.MemoryPlan;
import dev.trimtab.variant.Variant;
import dev.trimtab.variant.VariantLoader;
import dev.trimtab.variant.life.MemoryBudget;
import dev.trimtab.variant.life.Sources;
import dev.trimtab.variant.life.VariantOrder;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.CancellationException;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/// Compares a variant with its base, the checkpoint as it is stored and computed exactly. What the base says of a
/// text is kept on disk; only where it is not there the base is loaded, and freed again before the variant is
/// measured. While it is there it counts in the budget.
///
/// @param folder of what bases said
public record CheckpointExamination(
        VariantLoader loader, Sources sources, MemoryBudget budget, Path folder, LongSupplier nanoClock)
        implements Examination {
    private static final System.Logger LOG = System.getLogger(CheckpointExamination.class.getName());

    /// What a unit of reading a text takes, and the prompts that are continued at once.
    private static final Model.Capacity BASE_CAPACITY = new Model.Capacity(64, 64);

    /// A text and what the base says of it.
    private record Lesson(MeasuredText text, Teacher teacher, Dialect dialect) {}

    @Override
    public Measured examine(VariantOrder order, Variant variant, Units units) {
        Model model = loader.model(variant)
                .orElseThrow(() -> new Internal("variant " + variant.name() + " is computed by another backend"));
        Evaluation evaluation = Evaluation.of(order.variant().recipe());
        Lesson lesson = lesson(order, variant, evaluation, units);
        Measuring measuring = new Measuring(
                new Measuring.Subject(model, model.weightBytes(), lesson.text(), lesson.teacher(), lesson.dialect()),
                nanoClock);
        try {
            units.run(measuring);
            return evaluation.judge(measuring.result().facts());
        } catch (CancellationException cancelled) {
            throw cancelled;
        } catch (RuntimeException fault) {
            return failed(variant.name(), fault);
        }
    }

    /// Of a variant that cannot do what a model must: compute numbers.
    private static Measured failed(String name, RuntimeException fault) {
        boolean isTheirs = fault instanceof TrimtabException && !(fault instanceof Internal);
        if (!isTheirs) {
            LOG.log(Level.ERROR, "variant " + name + " could not be measured", fault);
        }
        String reason =
                "could not be measured: " + (isTheirs ? fault.getMessage() : "an error of the server; the log has it");
        return new Measured(OptionalDouble.empty(), OptionalDouble.empty(), Optional.of(reason), Map.of());
    }

    private Lesson lesson(VariantOrder order, Variant variant, Evaluation evaluation, Units units) {
        try (Checkpoint checkpoint = sources.open(order.source())) {
            MeasuredText text = evaluation.text(checkpoint);
            CachedFile file = Teacher.file(folder, checkpoint.reading(() -> Digest.of(checkpoint)), text);
            units.check();
            Teacher teacher = Teacher.in(file, text).orElseGet(() -> {
                Teacher made = within(order.name(), checkpoint, () -> recorded(checkpoint, text, units));
                file.write(made.toBytes());
                return made;
            });
            return new Lesson(text, teacher, dialect(checkpoint, variant));
        }
    }

    private Dialect dialect(Checkpoint checkpoint, Variant variant) {
        return Dialect.of(Tokenizer.of(checkpoint.metadata()), variant.tokenizer(), loader.keptTokens(variant));
    }

    /// Does `recording` with the base's bytes taken from the budget.
    private Teacher within(String name, Checkpoint checkpoint, Supplier<Teacher> recording) {
        String base = "base of " + name; // no variant's name: it has spaces
        long bytes = ModelLoader.packedBytes(checkpoint, ModelLoader.Options.EXACT)
                + Model.scratchBytes(ModelLoader.configOf(checkpoint), BASE_CAPACITY);
        if (!budget.tryTake(base, bytes)) {
            throw new Conflict("its base needs " + MemoryPlan.readable(bytes) + " while it is recorded (" + budget
                    + "); what `trimtab eval` keeps of the same text would do");
        }
        try {
            return recording.get();
        } finally {
            budget.giveBack(base);
        }
    }

    private Teacher recorded(Checkpoint checkpoint, MeasuredText text, Units units) {
        try (Model base = checkpoint.reading(() -> loader.base(checkpoint, BASE_CAPACITY, (_, _) -> units.check()))) {
            Teacher.Recording recording = new Teacher.Recording(base, text);
            units.run(recording);
            return recording.result();
        }
    }
}
