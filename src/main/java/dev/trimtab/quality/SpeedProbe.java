package dev.trimtab.quality;

import dev.trimtab.engine.Engine;
import dev.trimtab.engine.EngineListener;
import dev.trimtab.engine.EngineOptions;
import dev.trimtab.engine.EngineOptions.PrefixReuse;
import dev.trimtab.engine.GenerationRequest;
import dev.trimtab.engine.KvPool;
import dev.trimtab.engine.SamplingOptions;
import dev.trimtab.engine.StopCondition;
import dev.trimtab.engine.TokenEvent;
import dev.trimtab.error.Internal;
import dev.trimtab.kernel.KvLayout;
import dev.trimtab.model.ForwardPass;
import dev.trimtab.quality.Speed.Spread;
import dev.trimtab.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.DoubleSupplier;
import java.util.function.ToDoubleFunction;

/// Measures a model as it is served, through an engine: prefill and decode speed, and what a step costs
/// outside the model. It drives the engine itself, so no loop may own the model meanwhile. Like llama-bench it
/// measures the two phases apart, and decode from an empty context unless a depth is asked for.
public final class SpeedProbe {
    /// What to run: `batch` sequences that begin together, each with `promptTokens` random tokens and
    /// `generatedTokens` of output.
    public record Workload(int batch, int promptTokens, int generatedTokens) {}

    private final ForwardPass model;
    private final Tokenizer tokenizer;

    public SpeedProbe(ForwardPass model, Tokenizer tokenizer) {
        this.model = model;
        this.tokenizer = tokenizer;
    }

    /// Sums over the steps of one round.
    private static final class Round implements EngineListener {
        private long prefillTokens;
        private long prefillNanos;
        private long decodeTokens;
        private long decodeNanos;
        private final List<Long> overheadNanos = new ArrayList<>();

        /// A step that mixes both phases counts as prefill, which is most of it.
        @Override
        public void stepped(int prefilled, int decoded, long durationNanos, long forwardNanos) {
            if (prefilled > 0) {
                prefillTokens += prefilled;
                prefillNanos += durationNanos;
            } else {
                decodeTokens += decoded;
                decodeNanos += durationNanos;
                overheadNanos.add(durationNanos - forwardNanos);
            }
        }

        private double overheadMicros() {
            long[] sorted =
                    overheadNanos.stream().mapToLong(Long::longValue).sorted().toArray();
            return sorted.length == 0 ? 0 : sorted[sorted.length / 2] / 1e3;
        }
    }

    /// Prompt tokens a second of one sequence of `promptTokens`, over `rounds` after one to warm up.
    public Spread prefill(int promptTokens, int rounds) {
        Workload workload = new Workload(1, promptTokens, 1);
        run(workload, 0);
        return Spread.of(
                rates(rounds(workload, rounds), round -> 1e9 * round.prefillTokens / Math.max(1, round.prefillNanos)));
    }

    /// Decodes `workload` once to warm up and `rounds` times for the record. `readGigabytes` measures what
    /// memory gives, in GB/s, before and after each round; `weightBytes` is what a step reads.
    public Speed decode(Workload workload, int rounds, DoubleSupplier readGigabytes, long weightBytes) {
        run(workload, 0);
        double[] decode = new double[rounds];
        double[] share = new double[rounds];
        double[] overhead = new double[rounds];
        double before = readGigabytes.getAsDouble();
        for (int i = 0; i < rounds; i++) {
            Round round = run(workload, i + 1);
            double after = readGigabytes.getAsDouble();
            decode[i] = 1e9 * round.decodeTokens / Math.max(1, round.decodeNanos);
            share[i] = decode[i] / workload.batch() * weightBytes / 1e9 / ((before + after) / 2);
            overhead[i] = round.overheadMicros();
            before = after;
        }
        return new Speed(workload.batch(), Spread.of(decode), Spread.of(share), Spread.of(overhead));
    }

    private Round[] rounds(Workload workload, int count) {
        Round[] measured = new Round[count];
        Arrays.setAll(measured, i -> run(workload, i + 1));
        return measured;
    }

    private static double[] rates(Round[] rounds, ToDoubleFunction<Round> rate) {
        return Arrays.stream(rounds).mapToDouble(rate).toArray();
    }

    private Round run(Workload workload, int seed) {
        Round round = new Round();
        int length = workload.promptTokens() + workload.generatedTokens() + 1;
        long blocks = (long) workload.batch() * (Math.ceilDiv(length, KvLayout.BLOCK_TOKENS) + 1);
        EngineOptions options = new EngineOptions(
                Math.min(model.logitCapacity(), workload.batch()),
                model.tokenCapacity(),
                workload.batch(),
                PrefixReuse.OFF);
        long kvBytes = Math.max(64L << 20, 2 * blocks * model.kvLayout().blockBytes());
        try (KvPool kvPool = new KvPool(kvBytes);
                Engine engine = new Engine(
                        options, model, tokenizer, new Engine.Surroundings(kvPool, round, System::nanoTime))) {
            SplittableRandom random = new SplittableRandom(seed);
            for (int i = 0; i < workload.batch(); i++) {
                engine.submit(request(i, workload, random), event -> {
                    if (event instanceof TokenEvent.Failed failed) {
                        throw new Internal("a measured sequence failed", failed.error());
                    }
                });
            }
            boolean working = true;
            while (working) {
                working = engine.step();
            }
        }
        return round;
    }

    private GenerationRequest request(int index, Workload workload, SplittableRandom random) {
        int[] prompt = random.ints(
                        workload.promptTokens(), 0, tokenizer.vocabulary().size())
                .toArray();
        StopCondition stop = new StopCondition(workload.generatedTokens(), List.of(), Set.of(), true);
        return new GenerationRequest("bench-" + index, prompt, SamplingOptions.GREEDY, stop);
    }
}
