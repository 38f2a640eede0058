package dev.trimtab.variant;

import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.checkpoint.Metadata;
import dev.trimtab.checkpoint.WeightSource;
import dev.trimtab.checkpoint.adapter.AdapterBase;
import dev.trimtab.checkpoint.adapter.LoraAdapter;
import dev.trimtab.checkpoint.cache.Digest;
import dev.trimtab.compress.Compression;
import dev.trimtab.compress.Plan;
import dev.trimtab.compress.adapter.MergedSource;
import dev.trimtab.compress.cache.CachedForms;
import dev.trimtab.compress.cache.FormCache;
import dev.trimtab.compress.calibration.CalibrationSource;
import dev.trimtab.compress.calibration.TokenUse;
import dev.trimtab.compress.lock.LockedPlan;
import dev.trimtab.compress.recipe.Recipe;
import dev.trimtab.compress.recipe.Stages.Merge;
import dev.trimtab.compress.recipe.Stages.Statistics;
import dev.trimtab.compress.recipe.Stages.Vocabulary;
import dev.trimtab.error.BadConfiguration;
import dev.trimtab.kernel.ComputePool;
import dev.trimtab.model.LoadListener;
import dev.trimtab.model.Model;
import dev.trimtab.model.ModelLoader;
import dev.trimtab.quality.calibration.CalibrationText;
import dev.trimtab.quality.calibration.CorpusTokens;
import dev.trimtab.quality.calibration.ImportanceFile;
import dev.trimtab.quality.calibration.ModelCalibration;
import dev.trimtab.tokenizer.Tokenizer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// Loads a checkpoint as a recipe wants it: plan, calibration where a method asks for it, compression, packing.
///
/// @param pool computes calibration and compression, between the steps of what is served
/// @param cache folder that statistics of activations and the forms of costly methods are kept below
public record RecipeLoader(ModelLoader.Packing packing, ComputePool pool, Optional<Path> cache) {
    private static final String FILE = "file:";
    private static final String IMPORTANCE = "imatrix:";

    /// One model to load.
    ///
    /// @param weights the checkpoint's, or with adapters merged into them
    /// @param lock the file that says how the recipe was resolved; it is written if there is none
    /// @param options where the recipe does not say otherwise
    public record Request(
            Checkpoint checkpoint,
            WeightSource weights,
            Recipe recipe,
            Optional<Path> lock,
            ModelLoader.Options options,
            Model.Capacity capacity) {
        /// Of the checkpoint as it is, without a lock.
        public Request(Checkpoint checkpoint, Recipe recipe, ModelLoader.Options options, Model.Capacity capacity) {
            this(checkpoint, checkpoint, recipe, Optional.empty(), options, capacity);
        }

        /// The same with the lock `file`, if any.
        public Request locked(Optional<Path> file) {
            return new Request(checkpoint, weights, recipe, file, options, capacity);
        }

        private Request with(WeightSource merged) {
            return new Request(checkpoint, merged, recipe, lock, options, capacity);
        }
    }

    /// What `recipe` comes to for `checkpoint`, once all has been looked at that can be without reading a weight: the
    /// adapters it merges and its lock.
    ///
    /// @throws dev.trimtab.error.TrimtabException when it could not be loaded
    static Plan plan(Recipe recipe, Checkpoint checkpoint, Optional<Path> lock) {
        Plan plan = Plan.of(recipe, checkpoint);
        lock.ifPresent(file -> LockedPlan.refuseOther(plan, file));
        for (Merge merge : recipe.extras().merges()) {
            try (LoraAdapter adapter = LoraAdapter.open(file(recipe, merge.path()))) {
                AdapterBase.of(checkpoint).fit(adapter);
            }
        }
        return plan;
    }

    /// Loads it; `checkpoint` must be read through [Checkpoint#reading].
    ///
    /// @throws dev.trimtab.error.TrimtabException when it cannot be; then nothing is left behind
    public LoadedModel load(Request request, LoadListener listener, Compression.Progress progress) {
        return resolved(request, progress, (forms, lock) -> {
            ModelLoader.Options options = options(forms.compression(), request);
            Model model = ModelLoader.load(forms, packing, options, request.capacity(), listener);
            boolean isLocked = false;
            try {
                lock.run();
                isLocked = true;
                return new LoadedModel(
                        model, forms.metadata(), forms.compression().keptTokens());
            } finally {
                if (!isLocked) {
                    model.close();
                }
            }
        });
    }

    /// Hands what the recipe makes of the checkpoint to `use`, after which nothing of it may be read; else as
    /// [#load]. Weights are made when `use` asks for them.
    public <T> T compressed(Request request, Compression.Progress progress, Function<CachedForms, T> use) {
        return resolved(request, progress, (forms, lock) -> {
            T made = use.apply(forms);
            lock.run();
            return made;
        });
    }

    /// What to do with a recipe that is resolved for a checkpoint.
    @FunctionalInterface
    private interface Use<T> {
        /// @param lock writes the lock file, if one is asked for and not there
        T of(CachedForms forms, Runnable lock);
    }

    private <T> T resolved(Request request, Compression.Progress progress, Use<T> use) {
        List<LoraAdapter> adapters = new ArrayList<>();
        try {
            List<MergedSource.Merging> merges = new ArrayList<>();
            for (Merge merge : request.recipe().extras().merges()) {
                LoraAdapter adapter = LoraAdapter.open(file(request.recipe(), merge.path()));
                adapters.add(adapter);
                merges.add(new MergedSource.Merging(adapter, merge.scale()));
            }
            Request merged = merges.isEmpty() ? request : request.with(new MergedSource(request.weights(), merges));
            return calibrated(merged, progress, use);
        } finally {
            adapters.forEach(LoraAdapter::close);
        }
    }

    private <T> T calibrated(Request request, Compression.Progress progress, Use<T> use) {
        Plan plan = Plan.of(request.recipe(), request.checkpoint());
        Optional<LockedPlan> lock = request.lock().map(file -> LockedPlan.of(plan, request.weights(), file));
        try (Calibration calibration = new Calibration(request)) {
            Compression.Resources resources =
                    new Compression.Resources(pool, calibration::source, calibration::tokens, progress);
            Compression compression = lock.map(locked -> locked.compression(resources))
                    .orElseGet(() -> Compression.of(plan, request.weights(), resources));
            CachedForms forms =
                    new CachedForms(compression, cache.flatMap(folder -> FormCache.open(folder.resolve("forms"))));
            return use.of(
                    forms, () -> lock.ifPresent(locked -> locked.write(compression, forms, calibration.digest())));
        }
    }

    private static ModelLoader.Options options(Compression compression, Request request) {
        ModelLoader.Options base = request.options();
        return new ModelLoader.Options(
                name -> compression.plan().format(compression.sourceName(name)),
                base.precision(),
                request.recipe().kv().orElse(base.kv()));
    }

    /// The file that `recipe` calls `name`.
    ///
    /// @throws BadConfiguration when the recipe came over the network: it has no folder, and so no files
    public static Path file(Recipe recipe, String name) {
        return recipe.folder()
                .orElseThrow(() -> new BadConfiguration(
                        recipe.name() + ": a recipe that is no file cannot name one, found `" + name + "`"))
                .resolve(name);
    }

    /// The activations of the checkpoint, read when first asked for.
    private final class Calibration implements AutoCloseable {
        private final Request request;
        private @Nullable CalibrationSource source;
        private @Nullable ModelCalibration model;

        Calibration(Request request) {
            this.request = request;
        }

        CalibrationSource source() {
            CalibrationSource known = source;
            if (known == null) {
                known = open(request.recipe().extras().statistics().orElse(Statistics.BUILTIN));
                source = known;
            }
            return known;
        }

        /// Of what was read; empty where nobody asked.
        Optional<String> digest() {
            return Optional.ofNullable(source).map(CalibrationSource::digest);
        }

        /// The tokens of the corpus that `asked` names, all of it.
        TokenUse tokens(Vocabulary asked) {
            String corpus = asked.corpus()
                    .orElseGet(() -> request.recipe()
                            .extras()
                            .statistics()
                            .orElse(Statistics.BUILTIN)
                            .corpus());
            if (corpus.startsWith(IMPORTANCE)) {
                throw new BadConfiguration(request.recipe().name() + ": prune: vocab: `keep_corpus` expected: the"
                        + " statistics are an importance matrix, which has no text");
            }
            Metadata metadata = request.checkpoint().metadata();
            Tokenizer tokenizer = Tokenizer.of(metadata);
            return new CorpusTokens(
                    metadata, tokenizer, documents(corpus, tokenizer), CalibrationCorpus.frames(metadata, tokenizer));
        }

        /// @param corpus `builtin` or `file:PATH`
        private List<String> documents(String corpus, Tokenizer tokenizer) {
            return corpus.startsWith(FILE)
                    ? CalibrationCorpus.file(file(request.recipe(), corpus.substring(FILE.length())))
                    : CalibrationCorpus.builtIn(request.checkpoint().metadata(), tokenizer);
        }

        private CalibrationSource open(Statistics asked) {
            if (asked.corpus().startsWith(IMPORTANCE)) {
                return ImportanceFile.open(file(request.recipe(), asked.corpus().substring(IMPORTANCE.length())));
            }
            Checkpoint checkpoint = request.checkpoint();
            Tokenizer tokenizer = Tokenizer.of(checkpoint.metadata());
            List<String> documents = documents(asked.corpus(), tokenizer);
            int context = ModelLoader.configOf(checkpoint).maxPositionEmbeddings();
            CalibrationText text = CalibrationText.of(tokenizer, documents, context, asked.tokens());
            Optional<Path> statistics = cache.map(folder -> folder.resolve("statistics"));
            ModelCalibration made = new ModelCalibration(
                    new ModelCalibration.Request(Digest.of(request.weights()), text, pool, this::loadBase, statistics));
            model = made;
            return made;
        }

        private Model loadBase(LoadListener listener) {
            return ModelLoader.load(
                    request.weights(), packing, ModelLoader.Options.EXACT, ModelCalibration.CAPACITY, listener);
        }

        @Override
        public void close() {
            if (model != null) {
                model.close();
            }
        }
    }
}
