package dev.trimtab.quality.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.checkpoint.vocabulary.KeptTokens;
import dev.trimtab.compress.Compression;
import dev.trimtab.compress.recipe.Recipe;
import dev.trimtab.kernel.ComputePool;
import dev.trimtab.kernel.Kernels;
import dev.trimtab.model.LoadListener;
import dev.trimtab.model.Model;
import dev.trimtab.model.ModelLoader;
import dev.trimtab.quality.SequenceRun;
import dev.trimtab.quality.measure.MeasuredText.Chunk;
import dev.trimtab.tokenizer.Tokenizer;
import dev.trimtab.tokenizer.Tokenizer.ControlTokens;
import dev.trimtab.variant.LoadedModel;
import dev.trimtab.variant.RecipeLoader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// Variants that lack tokens, measured against the whole embedded model.
class DialectTest {
    private static final Path DEMO = Path.of("src/main/resources/models/demo.gguf");
    private static final String CHAT = """
            <|im_start|>user
            What is the capital of Norway?<|im_end|>
            <|im_start|>assistant
            The capital of Norway is Oslo.<|im_end|>
            """;

    private final ComputePool pool = new ComputePool(2);

    @AfterEach
    void close() {
        pool.close();
    }

    private LoadedModel load(Checkpoint checkpoint, String recipe) {
        var loader = new RecipeLoader(new ModelLoader.Packing(Kernels.best(pool)), pool, Optional.empty());
        var request = new RecipeLoader.Request(
                checkpoint, Recipe.parse("r.yaml", recipe), ModelLoader.Options.EXACT, new Model.Capacity(64, 64));
        return checkpoint.reading(() -> loader.load(request, LoadListener.NONE, Compression.Progress.NONE));
    }

    private static Teacher teacher(Model base, MeasuredText text) {
        try (Teacher.Recording recording = new Teacher.Recording(base, text)) {
            while (!recording.isDone()) {
                recording.unit();
            }
            return recording.result();
        }
    }

    private static Measurement measure(LoadedModel variant, Tokenizer base, MeasuredText text, Teacher teacher) {
        Dialect dialect = Dialect.of(base, Tokenizer.of(variant.metadata()), variant.keptTokens());
        var subject = new Measuring.Subject(variant.model(), 1, text, teacher, dialect);
        try (Measuring measuring = new Measuring(subject, System::nanoTime)) {
            return measuring.now();
        }
    }

    /// All tokens of the text are left, and become likelier by what others had.
    @Test
    void readsTheSameTokensWhereOnlyOthersAreGone() {
        try (Checkpoint checkpoint = Checkpoint.open(DEMO);
                LoadedModel base = load(checkpoint, "quantize: keep");
                LoadedModel variant = load(checkpoint, "prune: [{method: vocab, keep: 0.6}]")) {
            Tokenizer tokenizer = Tokenizer.of(checkpoint.metadata());
            MeasuredText text = MeasuredText.documents(tokenizer, List.of(CHAT, CHAT + CHAT), 512, 1000);
            KeptTokens kept = variant.keptTokens().orElseThrow();
            assertThat(text.chunks())
                    .allMatch(chunk -> Arrays.stream(chunk.ids()).allMatch(kept::contains));

            Measurement found = measure(variant, tokenizer, text, teacher(base.model(), text));

            assertThat(found.sample().tokens()).isEqualTo(text.scored());
            assertThat(found.sameTop().value()).isGreaterThan(0.95);
            assertThat(found.distance().median()).isLessThan(1e-3);
            assertThat(found.perplexity().logRatio().value()).isLessThanOrEqualTo(0);
            assertThat(found.shift().genMatch()).isEqualTo(1);
        }
    }

    @Test
    void findsNothingWhereNoTokenIsGone() {
        try (Checkpoint checkpoint = Checkpoint.open(DEMO);
                LoadedModel base = load(checkpoint, "quantize: keep");
                LoadedModel variant = load(checkpoint, "prune: [{method: vocab, keep: 100000}]")) {
            Tokenizer tokenizer = Tokenizer.of(checkpoint.metadata());
            MeasuredText text = MeasuredText.documents(tokenizer, List.of(CHAT), 512, 1000);

            Measurement found = measure(variant, tokenizer, text, teacher(base.model(), text));

            assertThat(found.distance().max()).isZero();
            assertThat(found.sameTop().value()).isEqualTo(1);
            assertThat(found.shift().genMatch()).isEqualTo(1);
        }
    }

    /// Against all logits of both models, in float64, token by token, by the definition.
    @Test
    void findsWhatBruteForceFinds() {
        String words = CHAT.repeat(2) + CHAT.replace("Norway", "Portugal").replace("Oslo", "Lisbon") + """
                <|im_start|>user
                The tall lighthouse keeper's seventeen umbrellas, please!<|im_end|>
                """;
        try (Checkpoint checkpoint = Checkpoint.open(DEMO);
                LoadedModel base = load(checkpoint, "quantize: keep");
                LoadedModel variant = load(checkpoint, "prune: [{method: vocab, coverage: 0.2}]")) {
            Tokenizer tokenizer = Tokenizer.of(checkpoint.metadata());
            Tokenizer smaller = Tokenizer.of(variant.metadata());
            KeptTokens kept = variant.keptTokens().orElseThrow();
            MeasuredText text = MeasuredText.chunked(tokenizer, words, ControlTokens.PARSE, 48, 1000);

            Measurement found = measure(variant, tokenizer, text, teacher(base.model(), text));

            Sums sums = new Sums();
            int[] beginnings = IntStream.range(0, tokenizer.vocabulary().size())
                    .map(id -> spelled(tokenizer, smaller, kept, id)[0])
                    .toArray();
            for (Chunk chunk : text.chunks()) {
                List<Integer> read = new ArrayList<>();
                int[] starts = new int[chunk.ids().length];
                for (int i = 0; i < starts.length; i++) {
                    starts[i] = read.size();
                    Arrays.stream(spelled(tokenizer, smaller, kept, chunk.ids()[i]))
                            .forEach(read::add);
                }
                int[] ids = read.stream().mapToInt(id -> id).toArray();
                double[][] p = logProbabilities(base.model(), chunk.ids());
                double[][] q = logProbabilities(variant.model(), ids);
                for (int t = chunk.firstScored(); t < starts.length; t++) {
                    int end = t + 1 < starts.length ? starts[t + 1] : ids.length;
                    double nats = IntStream.range(starts[t], end)
                            .mapToDouble(i -> -q[i - 1][ids[i]])
                            .sum();
                    sums.add(p[t - 1], q[starts[t] - 1], beginnings, kept, nats + p[t - 1][chunk.ids()[t]]);
                    sums.spelled += end - starts[t] - 1;
                }
            }
            assertThat(sums.spelled).isPositive();
            assertThat(found.sample().tokens()).isEqualTo(sums.tokens);
            assertThat(found.perplexity().logRatio().value()).isCloseTo(sums.nats / sums.tokens, within(1e-6));
            assertThat(found.sameTop().value()).isCloseTo((double) sums.same / sums.tokens, within(1e-12));
            // All but the teacher's 512 likeliest tokens are one bucket.
            assertThat(found.distance().mean().value()).isCloseTo(sums.divergence / sums.tokens, within(0.1));
            assertThat(found.shift().acceptance()).isCloseTo(sums.overlap / sums.tokens, within(0.01));
        }
    }

    private static int[] spelled(Tokenizer base, Tokenizer smaller, KeptTokens kept, int id) {
        return kept.contains(id)
                ? new int[] {kept.after(id)}
                : smaller.spell(base.vocabulary().piece(id));
    }

    private static final class Sums {
        private int tokens;
        private int same;
        private int spelled;
        private double nats;
        private double divergence;
        private double overlap;

        void add(double[] p, double[] q, int[] beginnings, KeptTokens kept, double moreNats) {
            double[] shares = new double[q.length];
            for (int id = 0; id < p.length; id++) {
                shares[beginnings[id]] += Math.exp(p[id]);
            }
            for (int i = 0; i < q.length; i++) {
                divergence += shares[i] == 0 ? 0 : shares[i] * (Math.log(shares[i]) - q[i]);
                overlap += Math.min(shares[i], Math.exp(q[i]));
            }
            same += kept.after(top(p)) == top(q) ? 1 : 0;
            nats += moreNats;
            tokens++;
        }
    }

    private static int top(double[] row) {
        return IntStream.range(0, row.length).reduce(0, (best, i) -> row[i] > row[best] ? i : best);
    }

    private static double[][] logProbabilities(Model model, int[] ids) {
        double[][] all = new double[ids.length][];
        try (SequenceRun run = new SequenceRun(model, ids.length)) {
            for (int t = 0; t < all.length; t++) {
                var logits = run.forward(ids, t, t + 1, t);
                double[] row = new double[logits.columns()];
                Arrays.setAll(row, i -> logits.values()[i]);
                double logSum = Math.log(Arrays.stream(row).map(Math::exp).sum());
                all[t] = Arrays.stream(row).map(logit -> logit - logSum).toArray();
            }
        }
        return all;
    }
}
