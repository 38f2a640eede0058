package dev.trimtab.quality.measure;

import dev.trimtab.engine.background.BackgroundWork;
import dev.trimtab.error.InvalidRequest;
import dev.trimtab.model.ForwardPass;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.LongSupplier;

/// Measures a variant against its teacher, a batch a unit: first the text, then the prompts, then speed. As
/// [BackgroundWork] it runs beside served engines, on the variant's own model; offline [#now()] runs it through.
public final class Measuring implements BackgroundWork {
    /// What is measured.
    ///
    /// @param bytes what the variant's weights take
    /// @param text that the teacher was recorded on
    /// @param dialect in which the variant reads it
    public record Subject(ForwardPass model, long bytes, MeasuredText text, Teacher teacher, Dialect dialect) {
        /// Of a variant with its base's vocabulary.
        public Subject(ForwardPass model, long bytes, MeasuredText text, Teacher teacher) {
            this(model, bytes, text, teacher, Dialect.SAME);
        }
    }

    private final Subject subject;
    private final Dialect.Spelled spelled;
    private final TextReading reading;
    private final GreedyReading greedy;
    private final SpeedReading speed;

    private final double[] divergences;
    private int tokens;

    /// Of the token that is being read, whose spelling may go on; and where it stands in its chunk's scores.
    private Optional<TokenComparison> open = Optional.empty();
    private int openChunk;
    private int scored;
    private int scoredChunk;

    private final ChunkMean divergence = new ChunkMean();
    private final ChunkMean sameTop = new ChunkMean();
    private final ChunkMean baseNats = new ChunkMean();
    private final ChunkMean variantNats = new ChunkMean();
    private final ChunkMean logRatio = new ChunkMean();
    private double deltas;
    private double deltaSquares;
    private double overlaps;
    private double margins;
    private double flippedMargins;

    /// @throws InvalidRequest when the vocabularies differ in size, or chunks are longer than the model's context
    public Measuring(Subject subject, LongSupplier nanoClock) {
        int vocabSize = subject.dialect().vocabSize(subject.teacher().vocabSize());
        if (subject.model().vocabSize() != vocabSize) {
            throw InvalidRequest.of("a variant with " + subject.model().vocabSize()
                    + " tokens cannot be measured where " + vocabSize + " are left of a base with "
                    + subject.teacher().vocabSize());
        }
        this.subject = subject;
        this.spelled = subject.dialect().spelled(subject.text(), subject.model().contextLength());
        this.reading = new TextReading(subject.model(), spelled.text());
        this.greedy = new GreedyReading(subject.model(), spelled.text());
        this.speed = new SpeedReading(subject.model(), spelled.text(), nanoClock);
        this.divergences = new double[spelled.tokens()];
    }

    @Override
    public boolean isDone() {
        return reading.isDone() && greedy.isDone() && speed.isDone();
    }

    @Override
    public void unit() {
        if (!reading.isDone()) {
            reading.unit(this::compare);
            if (reading.isDone()) {
                count(open);
            }
        } else if (!greedy.isDone()) {
            greedy.unit();
        } else {
            speed.unit();
        }
    }

    /// Runs all units, on this thread, which must own the model.
    public Measurement now() {
        while (!isDone()) {
            unit();
        }
        return result();
    }

    private void compare(int chunk, int next, float[] logits, int at) {
        scored = chunk == scoredChunk ? scored : 0;
        scoredChunk = chunk;
        int owner = spelled.owners().get(chunk)[scored++];
        if (owner < 0) {
            double sum = LogitRow.logSum(logits, at, subject.model().vocabSize());
            open = open.map(begun -> begun.andThen(sum - logits[at + next]));
            return;
        }
        count(open);
        openChunk = chunk;
        open = Optional.of(TokenComparison.of(subject.teacher(), owner, next, logits, at, subject.dialect()));
    }

    private void count(Optional<TokenComparison> read) {
        read.ifPresent(found -> {
            divergences[tokens++] = found.divergence();
            divergence.add(openChunk, found.divergence());
            sameTop.add(openChunk, found.isSameTop() ? 1 : 0);
            baseNats.add(openChunk, found.baseNats());
            variantNats.add(openChunk, found.variantNats());
            logRatio.add(openChunk, found.variantNats() - found.baseNats());
            deltas += found.delta();
            deltaSquares += found.delta() * found.delta();
            overlaps += found.overlap();
            margins += found.margin();
            flippedMargins += found.isSameTop() ? 0 : found.margin();
        });
    }

    /// The base's continuations as the variant would write them, at most as long as it may.
    private List<int[]> expected() {
        return subject.teacher().continuations().stream()
                .map(ids -> subject.dialect().spelled(ids, MeasuredText.CONTINUED_TOKENS))
                .toList();
    }

    /// Once it is done.
    public Measurement result() {
        double[] sorted = divergences.clone();
        Arrays.sort(sorted);
        return new Measurement(
                new Measurement.Sample(
                        tokens, spelled.text().chunks().size(), subject.text().context()),
                new Measurement.Distance(
                        divergence.estimate(),
                        quantile(sorted, 0.5),
                        quantile(sorted, 0.95),
                        quantile(sorted, 0.99),
                        sorted[tokens - 1]),
                sameTop.estimate(),
                new Measurement.Perplexity(perplexity(baseNats), perplexity(variantNats), logRatio.estimate()),
                new Measurement.Shift(
                        deltas / tokens,
                        Math.sqrt(deltaSquares / tokens),
                        margins == 0 ? 0 : Math.min(1, flippedMargins / margins),
                        overlaps / tokens,
                        genMatch(expected(), greedy.continuations())),
                new Measurement.Cost(speed.decodeTokensPerSecond(), speed.prefillTokensPerSecond(), subject.bytes()));
    }

    /// `exp(m)`, whose error is `exp(m)` times that of m.
    private static Estimate perplexity(ChunkMean nats) {
        Estimate mean = nats.estimate();
        double value = Math.exp(mean.value());
        return new Estimate(value, value * mean.standardError());
    }

    /// The least number that a share `at` of all does not exceed.
    private static double quantile(double[] sorted, double at) {
        return sorted[Math.max(0, (int) Math.ceil(at * sorted.length) - 1)];
    }

    /// Mean length of the common beginning, as a share of the longer of the two.
    static double genMatch(List<int[]> base, List<int[]> variant) {
        double sum = 0;
        for (int i = 0; i < base.size(); i++) {
            int difference = Arrays.mismatch(base.get(i), variant.get(i));
            int longer = Math.max(base.get(i).length, variant.get(i).length);
            sum += difference < 0 ? 1 : (double) difference / longer;
        }
        return base.isEmpty() ? 1 : sum / base.size();
    }

    @Override
    public void close() {
        reading.close();
        greedy.close();
        speed.close();
    }
}
