package dev.trimtab.cli;

import dev.trimtab.app.TrimtabConfig;
import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.checkpoint.Metadata;
import dev.trimtab.checkpoint.cache.CachedFile;
import dev.trimtab.checkpoint.cache.Digest;
import dev.trimtab.compress.Compression;
import dev.trimtab.compress.recipe.Recipe;
import dev.trimtab.error.InvalidRequest;
import dev.trimtab.kernel.ActivationPrecision;
import dev.trimtab.kernel.ComputePool;
import dev.trimtab.kernel.Kernels;
import dev.trimtab.kernel.KvEncodings;
import dev.trimtab.model.Model;
import dev.trimtab.model.ModelLoader;
import dev.trimtab.model.WeightFormats;
import dev.trimtab.quality.TaskProbe;
import dev.trimtab.quality.TaskProbe.Task;
import dev.trimtab.quality.measure.Dialect;
import dev.trimtab.quality.measure.Estimate;
import dev.trimtab.quality.measure.MeasuredText;
import dev.trimtab.quality.measure.Measurement;
import dev.trimtab.quality.measure.Measuring;
import dev.trimtab.quality.measure.Teacher;
import dev.trimtab.tensor.Shape;
import dev.trimtab.tokenizer.Tokenizer;
import dev.trimtab.tokenizer.Tokenizer.ControlTokens;
import dev.trimtab.variant.CalibrationCorpus;
import dev.trimtab.variant.LoadedModel;
import dev.trimtab.variant.RecipeLoader;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `trimtab eval`: what compression costs, against the same checkpoint computed exactly: llama-perplexity's protocol
/// over a text, and the share of questions answered right.
@Command(
        name = "eval",
        description = "Measures how far variants are from their checkpoint, on a text and on questions.",
        mixinStandardHelpOptions = true)
final class EvalCommand implements Callable<Integer> {
    /// A whole prefill step, and sequences enough to answer questions in good time.
    private static final Model.Capacity CAPACITY = new Model.Capacity(512, 64);

    private static final String BASE = "base";

    @Mixin
    private final ModelOption model = new ModelOption();

    @Option(
            names = "--recipe",
            paramLabel = "FILE|SCHEME|{..}",
            defaultValue = "f16,int8,int4",
            description = "Recipes, or schemes such as q4_k_m; default: f16,int8,int4.")
    private String[] recipes = {};

    @Mixin
    private final LockOption lock = new LockOption();

    @Option(
            names = "--activations",
            split = ",",
            paramLabel = "PRECISION",
            defaultValue = "f32,int8",
            description = "What packed weights are multiplied with: f32, int8; default: both.")
    private String[] activations = {};

    @Option(names = "--text", paramLabel = "FILE", description = "UTF-8 text to measure on.")
    private @Nullable Path text;

    @Option(
            names = "--parse-special",
            description = "Control tokens in the text are such; without it they are text, as for llama-perplexity.")
    private boolean parsesSpecial;

    @Option(
            names = "--context",
            defaultValue = "" + MeasuredText.CONTEXT_DEFAULT,
            description =
                    "Tokens of a chunk, of which the second half is scored; default: 512, or the model's context.")
    private int context = MeasuredText.CONTEXT_DEFAULT;

    @Option(names = "--tokens", defaultValue = "32768", description = "At most so many tokens; default: 32768.")
    private int tokensMax = 32_768;

    @Option(
            names = "--tasks",
            paramLabel = "FILE.jsonl",
            description = "Questions to answer greedily and exactly: {\"prompt\": .., \"answer\": ..} a line.")
    private @Nullable Path tasks;

    @Option(
            names = "--format",
            defaultValue = "TEXT",
            description = "TEXT, JSON (all numbers, for programs) or MARKDOWN (a table); default: ${DEFAULT-VALUE}.")
    private EvalReport.Format format = EvalReport.Format.TEXT;

    @Spec
    private CommandSpec spec = CommandSpec.create();

    /// What every model is asked.
    private record Questions(Tokenizer tokenizer, Optional<MeasuredText> text, List<Task> tasks) {}

    @Override
    public Integer call() throws IOException {
        if (text == null && tasks == null) {
            throw InvalidRequest.of("--text or --tasks expected: there is nothing to measure on");
        }
        try (Checkpoint checkpoint = model.open();
                ComputePool pool = new ComputePool(ComputePool.defaultThreads())) {
            Questions questions = questions(checkpoint);
            EvalReport report = new EvalReport(spec.commandLine().getOut(), format, elements(checkpoint));
            Optional<Teacher> teacher = base(checkpoint, pool, questions, report);
            List<String> words = words();
            Optional<Path> locked = lock.file(words.size());
            for (String recipe : words) {
                for (String precision : activations) {
                    var request = new RecipeLoader.Request(
                                    checkpoint, RecipeOption.parse(recipe), options(precision), CAPACITY)
                            .locked(locked);
                    try (LoadedModel variant = load(request, pool)) {
                        report.add(row(recipe, precision, variant, questions, teacher));
                    }
                }
            }
            report.end();
            return 0;
        }
    }

    /// Several words in one are parted by commas, but for a recipe itself, which is full of them.
    private List<String> words() {
        return Arrays.stream(recipes)
                .flatMap(word -> word.startsWith("{") ? Stream.of(word) : Stream.of(word.split(",", -1)))
                .toList();
    }

    private Questions questions(Checkpoint checkpoint) throws IOException {
        Tokenizer tokenizer = Tokenizer.of(checkpoint.metadata());
        Optional<MeasuredText> measured = Optional.empty();
        if (text != null) {
            int contextLength = ModelLoader.configOf(checkpoint).maxPositionEmbeddings();
            String read = CalibrationCorpus.file(text).getFirst();
            measured = Optional.of(MeasuredText.chunked(
                    tokenizer,
                    read,
                    parsesSpecial ? ControlTokens.PARSE : ControlTokens.AS_TEXT,
                    Math.min(context, contextLength),
                    tokensMax));
        }
        return new Questions(tokenizer, measured, tasks(checkpoint.metadata(), tokenizer));
    }

    private List<Task> tasks(Metadata metadata, Tokenizer tokenizer) throws IOException {
        return tasks == null ? List.of() : EvalTasks.read(tasks, metadata, tokenizer);
    }

    /// Measures the base against itself, and answers its teacher: the one of an earlier run where there is one.
    private Optional<Teacher> base(Checkpoint checkpoint, ComputePool pool, Questions questions, EvalReport report)
            throws IOException {
        var exact = new RecipeLoader.Request(checkpoint, Recipe.KEEP, ModelLoader.Options.EXACT, CAPACITY);
        try (LoadedModel reference = load(exact, pool)) {
            Optional<Teacher> teacher =
                    questions.text().map(measured -> teacher(checkpoint, reference.model(), measured));
            report.add(row(BASE, "f32", reference, questions, teacher));
            return teacher;
        }
    }

    private static Teacher teacher(Checkpoint checkpoint, Model reference, MeasuredText measured) {
        Path folder = TrimtabConfig.ofProcess().hubOptions().cache().resolve("measure");
        CachedFile file = Teacher.file(folder, checkpoint.reading(() -> Digest.of(checkpoint)), measured);
        return Teacher.in(file, measured).orElseGet(() -> {
            try (Teacher.Recording recording = new Teacher.Recording(reference, measured)) {
                while (!recording.isDone()) {
                    recording.unit();
                }
                Teacher made = recording.result();
                file.write(made.toBytes());
                return made;
            }
        });
    }

    private EvalReport.Row row(
            String recipe, String precision, LoadedModel variant, Questions questions, Optional<Teacher> teacher)
            throws IOException {
        boolean hasOthers = variant.keptTokens().isPresent();
        Tokenizer tokenizer = hasOthers ? Tokenizer.of(variant.metadata()) : questions.tokenizer();
        Dialect dialect = Dialect.of(questions.tokenizer(), tokenizer, variant.keptTokens());
        Optional<Measurement> measured = teacher.map(found -> measure(variant.model(), questions, found, dialect));
        List<Task> asked = hasOthers ? tasks(variant.metadata(), tokenizer) : questions.tasks();
        Optional<Estimate> accuracy =
                asked.isEmpty() ? Optional.empty() : Optional.of(TaskProbe.accuracy(variant.model(), tokenizer, asked));
        return new EvalReport.Row(recipe, precision, measured, accuracy);
    }

    private static Measurement measure(Model variant, Questions questions, Teacher teacher, Dialect dialect) {
        MeasuredText measured = questions.text().orElseThrow();
        var subject = new Measuring.Subject(variant, variant.weightBytes(), measured, teacher, dialect);
        try (Measuring measuring = new Measuring(subject, System::nanoTime)) {
            return measuring.now();
        }
    }

    private static LoadedModel load(RecipeLoader.Request request, ComputePool pool) {
        var packing = new ModelLoader.Packing(Kernels.best(pool));
        Path cache = TrimtabConfig.ofProcess().hubOptions().cache();
        RecipeLoader loader = new RecipeLoader(packing, pool, Optional.of(cache));
        try (ProgressBar progress = new ProgressBar(request.recipe().name())) {
            return request.checkpoint().reading(() -> loader.load(request, progress::parts, Compression.Progress.NONE));
        }
    }

    private static long elements(Checkpoint checkpoint) {
        return checkpoint.shapes().values().stream().mapToLong(Shape::elements).sum();
    }

    private static ModelLoader.Options options(String precision) {
        return new ModelLoader.Options(WeightFormats.AS_STORED, precision(precision), KvEncodings.F32);
    }

    private static ActivationPrecision precision(String name) {
        return switch (name) {
            case "f32" -> ActivationPrecision.FLOAT32;
            case "int8" -> ActivationPrecision.INT8;
            default -> throw InvalidRequest.of("--activations " + name + ": f32 or int8 expected");
        };
    }
}
