package dev.trimtab.quality.measure;

import dev.trimtab.model.ForwardPass;
import dev.trimtab.quality.SequenceRun;
import java.util.Arrays;
import java.util.function.LongSupplier;

/// How fast a model is alone: whole batches of prefill, then single tokens behind one, a batch or token a unit. What
/// runs between units is not counted, though it leaves the caches cold.
final class SpeedReading implements AutoCloseable {
    /// The first of each is to warm up.
    private static final int PREFILLS = 4;

    private static final int DECODES = 33;
    private static final int PREFILL_TOKENS_MAX = 512;

    private final SequenceRun run;
    private final LongSupplier nanoClock;
    private final int[] ids;
    private final int prefillTokens;
    private final double[] prefill = new double[PREFILLS];
    private final double[] decode;
    private int done;

    SpeedReading(ForwardPass model, MeasuredText text, LongSupplier nanoClock) {
        int context = model.contextLength();
        int decodes = Math.max(1, Math.min(DECODES, context / 2));
        this.nanoClock = nanoClock;
        this.prefillTokens =
                Math.max(1, Math.min(Math.min(PREFILL_TOKENS_MAX, model.tokenCapacity()), context - decodes));
        this.decode = new double[Math.min(decodes, Math.max(1, context - prefillTokens))];
        this.ids = new int[prefillTokens + decode.length];
        int[] some = text.chunks().getFirst().ids();
        Arrays.setAll(ids, i -> some[i % some.length]);
        this.run = new SequenceRun(model, ids.length);
    }

    boolean isDone() {
        return done == prefill.length + decode.length;
    }

    void unit() {
        if (done < prefill.length) {
            prefill[done] = rate(0, prefillTokens);
        } else {
            int token = done - prefill.length;
            decode[token] = rate(prefillTokens + token, prefillTokens + token + 1);
        }
        done++;
    }

    /// Tokens a second.
    private double rate(int from, int to) {
        long startNanos = nanoClock.getAsLong();
        run.forward(ids, from, to, to - 1);
        return 1e9 * (to - from) / Math.max(1, nanoClock.getAsLong() - startNanos);
    }

    double prefillTokensPerSecond() {
        return median(prefill);
    }

    double decodeTokensPerSecond() {
        return median(decode);
    }

    private static double median(double[] rates) {
        double[] sorted = Arrays.copyOfRange(rates, Math.min(1, rates.length - 1), rates.length);
        Arrays.sort(sorted);
        return sorted[sorted.length / 2];
    }

    @Override
    public void close() {
        run.close();
    }
}
