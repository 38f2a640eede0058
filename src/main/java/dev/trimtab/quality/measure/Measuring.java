package dev.trimtab.quality.measure;

import dev.trimtab.engine.background.BackgroundWork;
import dev.trimtab.error.InvalidRequest;
import dev.trimtab.model.ForwardPass;
import java.util.Arrays;
import java.util.List;
import java.util.function.LongSupplier;

/// Measures a variant against its teacher, a batch a unit: first the text, then the prompts, then speed. As
/// [BackgroundWork] it runs beside served engines, on the variant's own model; offline [#now()] runs it through.
public final class Measuring implements BackgroundWork {
    /// What is measured.
    ///
    /// @param bytes what the variant's weights take
    /// @param text that the teacher was recorded on
    public record Subject(ForwardPass model, long bytes, MeasuredText text, Teacher teacher) {}

    private final Subject subject;
    private final TextReading reading;
    private final GreedyReading greedy;
    private final SpeedReading speed;

    private final double[] divergences;
    private int token;
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
        if (subject.model().vocabSize() != subject.teacher().vocabSize()) {
            throw InvalidRequest.of("a variant with " + subject.model().vocabSize()
                    + " tokens cannot be measured against a base with "
                    + subject.teacher().vocabSize());
        }
        this.subject = subject;
        this.reading = new TextReading(subject.model(), subject.text());
        this.greedy = new GreedyReading(subject.model(), subject.text());
        this.speed = new SpeedReading(subject.model(), subject.text(), nanoClock);
        this.divergences = new double[subject.teacher().tokens()];
    }

    @Override
    public boolean isDone() {
        return reading.isDone() && greedy.isDone() && speed.isDone();
    }

    @Override
    public void unit() {
        if (!reading.isDone()) {
            reading.unit(this::compare);
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
        TokenComparison found = TokenComparison.of(subject.teacher(), token, next, logits, at);
        divergences[token++] = found.divergence();
        divergence.add(chunk, found.divergence());
        sameTop.add(chunk, found.isSameTop() ? 1 : 0);
        baseNats.add(chunk, found.baseNats());
        variantNats.add(chunk, found.variantNats());
        logRatio.add(chunk, found.variantNats() - found.baseNats());
        deltas += found.delta();
        deltaSquares += found.delta() * found.delta();
        overlaps += found.overlap();
        margins += found.margin();
        flippedMargins += found.isSameTop() ? 0 : found.margin();
    }

    /// Once it is done.
    public Measurement result() {
        int tokens = divergences.length;
        double[] sorted = divergences.clone();
        Arrays.sort(sorted);
        return new Measurement(
                new Measurement.Sample(
                        tokens, subject.text().chunks().size(), subject.text().context()),
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
                        genMatch(subject.teacher().continuations(), greedy.continuations())),
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
