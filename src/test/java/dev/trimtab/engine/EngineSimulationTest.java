package dev.trimtab.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.trimtab.engine.Engine.Surroundings;
import dev.trimtab.engine.EngineOptions.PrefixReuse;
import dev.trimtab.engine.GenerationRequest.PromptScores;
import dev.trimtab.error.Internal;
import dev.trimtab.error.Overloaded;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/// The engine under everything at once: random arrivals, lengths, cancels, sinks that throw, pools so small
/// that sequences are preempted, NaNs and failing forward passes. A failing seed is printed; run it alone to
/// debug.
///
/// The engine checks its blocks after each step itself (by assertion), the fake runner each slot it reads,
/// the sink that a sequence ends once.
@ExtendWith(QuietEngineLog.class)
class EngineSimulationTest {
    private static final int SEEDS = Integer.getInteger("trimtab.simulation.seeds", 1000);
    private static final int ARRIVAL_STEPS = 60;

    private record Arrival(int step, int cancelAtStep, Engine engine, GenerationRequest request, RecordingSink sink) {}

    @Test
    void givesEverySequenceWhatItGetsAlone() {
        Map<String, Integer> met = new TreeMap<>();
        for (int seed = 0; seed < SEEDS; seed++) {
            try {
                new Simulation(seed, met).run();
            } catch (AssertionError | RuntimeException failure) {
                throw new AssertionError("seed " + seed + ": " + failure.getMessage(), failure);
            }
        }

        assertThat(met)
                .hasSize(9)
                .allSatisfy((what, times) -> assertThat(times).as(what).isGreaterThan(100));
    }

    /// One life of two engines that share a pool, or of one.
    private static final class Simulation {
        private final Random random;
        private final KvPool pool;
        private final FakeRunner runner;
        private final FakeRunner.Faults faults;
        private final List<Engine> engines = new ArrayList<>();
        private final List<int[]> beginnings = new ArrayList<>();
        private final EngineOptions options;
        private final List<SequenceReport> reports = new ArrayList<>();
        private final List<Arrival> arrivals = new ArrayList<>();
        private final List<Arrival> submitted = new ArrayList<>();
        private final boolean failing;
        private final Map<String, Integer> met;
        private int shed;

        Simulation(int seed, Map<String, Integer> met) {
            this.met = met;
            random = new Random(0x9E3779B97F4A7C15L * (seed + 1)); // plain seeds give alike first numbers
            faults = random.nextInt(4) == 0 ? FakeRunner.Faults.NAN : FakeRunner.Faults.NONE;
            failing = random.nextInt(6) == 0;
            boolean tight = random.nextInt(3) == 0;
            int blocksPerExtent = tight ? 1 : between(1, 3);
            int extents = tight ? between(4, 6) : between(2, 9);
            pool = new KvPool(
                    (long) extents * blocksPerExtent * FakeRunner.blockBytes(),
                    blocksPerExtent * FakeRunner.blockBytes());
            int seats = between(1, 8);
            options = new EngineOptions(
                    seats,
                    seats + between(0, 60),
                    between(2, 12),
                    random.nextInt(4) == 0 ? PrefixReuse.OFF : PrefixReuse.ON);
            runner = new FakeRunner(between(2, 70), between(1, 8), between(100, 400), faults);
            ManualClock clock = new ManualClock();
            for (int i = 0; i < between(1, 2); i++) {
                engines.add(new Engine(
                        options, runner, TinyVocabulary.TOKENIZER, new Surroundings(pool, listener(clock), clock)));
            }
            for (int i = 0; i < 3; i++) {
                beginnings.add(random.ints(120, 0, TinyVocabulary.size()).toArray());
            }
        }

        private EngineListener listener(ManualClock clock) {
            return new EngineListener() {
                @Override
                public void stepped(int prefillTokens, int decodeTokens, long durationNanos, long forwardNanos) {
                    assertThat(prefillTokens + decodeTokens).isBetween(1, options.maxBatchedTokens());
                    clock.advance(1000);
                }

                @Override
                public void preempted(int sequences) {
                    meet("preempted", sequences);
                }

                @Override
                public void finished(SequenceReport report) {
                    reports.add(report);
                }
            };
        }

        void run() {
            int count = between(1, 25);
            for (int i = 0; i < count; i++) {
                arrivals.add(arrival(i));
            }
            List<Generation> generations = new ArrayList<>();
            int step = 0;
            for (boolean busy = true; busy || step <= ARRIVAL_STEPS; step++) {
                submitArrivals(step, generations);
                if (failing && random.nextInt(20) == 0) {
                    runner.failNext(1);
                }
                busy = step();
                assertThat(step).as("steps").isLessThan(20_000);
            }
            checkEnd();
        }

        /// Steps each engine, in changing order; false when none had anything to do.
        private boolean step() {
            boolean busy = false;
            int first = random.nextInt(engines.size());
            for (int i = 0; i < engines.size(); i++) {
                Engine engine = engines.get((first + i) % engines.size());
                busy |= engine.step();
                assertThat(engine.status().running()).isLessThanOrEqualTo(options.maxSequences());
            }
            return busy;
        }

        private void submitArrivals(int step, List<Generation> generations) {
            for (Arrival arrival : arrivals) {
                if (arrival.step() == step) {
                    try {
                        generations.add(arrival.engine().submit(arrival.request(), arrival.sink()));
                        submitted.add(arrival);
                    } catch (Overloaded overloaded) {
                        assertThat(overloaded.dropReason()).isEqualTo("queue_full");
                        shed++;
                    } catch (Internal broken) {
                        assertThat(failing).isTrue();
                        shed++;
                    }
                }
            }
            for (int i = 0; i < submitted.size(); i++) {
                if (submitted.get(i).cancelAtStep() == step) {
                    generations.get(i).cancel();
                }
            }
        }

        private void checkEnd() {
            EngineStatus idle = new EngineStatus(0, 0, 0, pool.extents() * blocksPerExtent());
            assertThat(engines)
                    .noneMatch(Engine::hasWork)
                    .allMatch(engine -> engine.status().equals(idle));
            assertThat(reports).hasSize(submitted.size());
            assertThat(submitted.size() + shed).isEqualTo(arrivals.size());
            submitted.forEach(this::checkOutcome);
            meet("shed", shed);
            engines.forEach(Engine::close);
            assertThat(pool.freeExtents()).isEqualTo(pool.extents());
            pool.close();
        }

        private void checkOutcome(Arrival arrival) {
            RecordingSink sink = arrival.sink();
            int lengthMax = Math.min(runner.contextLength(), pool.extents() * blocksPerExtent() * 32);
            Alone alone = Alone.run(arrival.request(), lengthMax, faults);
            assertThat(sink.isOver()).as(arrival.request().id()).isTrue();
            meet(sink.failed() ? failing ? "failed" : "NaN" : sink.reason().name(), 1);
            meet("threw", sink.threw() ? 1 : 0);
            checkScores(arrival.request(), sink);
            boolean cancelled = !sink.failed() && sink.reason() == FinishReason.CANCELLED;
            if (cancelled || sink.threw() || (sink.failed() && failing)) {
                assertThat(cancelled && !sink.threw() && arrival.cancelAtStep() < 0)
                        .isFalse();
                assertThat(alone.text()).startsWith(sink.text());
                assertThat(sink.tokens()).isLessThanOrEqualTo(alone.tokens());
            } else {
                // a failure does not send what was held back
                String text =
                        sink.failed() ? alone.text().substring(0, sink.text().length()) : alone.text();
                String reason = sink.failed() ? "FAILED" : sink.reason().name();
                assertThat(new Alone(sink.text(), sink.tokens(), reason))
                        .isEqualTo(new Alone(text, alone.tokens(), alone.reason()));
            }
            if (!sink.failed()) {
                int cached = sink.usage().cachedTokens();
                meet("cached", cached / 32);
                assertThat(cached).isLessThan(arrival.request().prompt().length);
                assertThat(cached % 32 == 0 && (cached == 0 || options.prefixReuse() == PrefixReuse.ON))
                        .isTrue();
                assertThat(sink.usage()).isEqualTo(new Usage(arrival.request().prompt().length, cached, sink.tokens()));
            }
        }

        /// Whatever the chunks, the batch and preemption: each token of the prompt is scored once, in order, by the
        /// history before it.
        private static void checkScores(GenerationRequest request, RecordingSink sink) {
            List<TokenEvent.Logprobs> scores = sink.promptScores();
            boolean whole = sink.tokens() > 0 && request.promptScores() == PromptScores.ALL;
            assertThat(scores.size()).isLessThanOrEqualTo(request.prompt().length - 1);
            assertThat(scores.size() == request.prompt().length - 1 || !whole).isTrue();
            long history = 0;
            for (int i = 0; i < scores.size(); i++) {
                history = FakeRunner.extend(history, request.prompt()[i]);
                TokenEvent.Logprob score = scores.get(i).chosen();
                assertThat(score.token()).isEqualTo(request.prompt()[i + 1]);
                assertThat(score.logprob()).isCloseTo(reference(history, score.token()), within(1e-4f));
            }
            if (request.topLogprobs() == GenerationRequest.NO_LOGPROBS) {
                assertThat(sink.scores()).isEmpty();
            } else {
                assertThat(sink.scores().size()).isLessThanOrEqualTo(sink.tokens());
            }
        }

        private static float reference(long history, int token) {
            float[] logits = new float[TinyVocabulary.size()];
            FakeRunner.fillLogits(history, FakeRunner.Faults.NONE, logits, 0);
            double sum = 0;
            for (float logit : logits) {
                sum += Math.exp(logit);
            }
            return (float) (logits[token] - Math.log(sum));
        }

        private void meet(String what, int times) {
            met.merge(what, times, Integer::sum);
        }

        private int blocksPerExtent() {
            return Math.toIntExact(pool.extentBytes() / FakeRunner.blockBytes());
        }

        private Arrival arrival(int index) {
            int capacity = Math.min(runner.contextLength(), pool.extents() * blocksPerExtent() * 32);
            int promptLength = between(1, random.nextInt(3) == 0 ? Math.min(capacity - 1, 120) : 40);
            int[] prompt = new int[promptLength];
            Arrays.setAll(prompt, _ -> random.nextInt(TinyVocabulary.size()));
            int alike = random.nextBoolean() ? promptLength - random.nextInt(3) : 0;
            System.arraycopy(beginnings.get(random.nextInt(3)), 0, prompt, 0, Math.max(0, alike));
            String salt = random.nextInt(5) == 0 ? "other" : "";
            int top = random.nextInt(4) - 1;
            boolean scored = top >= 0 && faults == FakeRunner.Faults.NONE && random.nextBoolean();
            PromptScores scores = scored ? PromptScores.ALL : PromptScores.NONE;
            var request = new GenerationRequest("s" + index, prompt, sampling(), stop(), salt, top, scores);
            RecordingSink sink = new RecordingSink();
            if (random.nextInt(12) == 0) {
                sink.throwingAfter(random.nextInt(20));
            }
            int step = random.nextInt(ARRIVAL_STEPS);
            int cancelAtStep = random.nextInt(6) == 0 ? step + random.nextInt(30) : -1;
            return new Arrival(step, cancelAtStep, engines.get(random.nextInt(engines.size())), request, sink);
        }

        private SamplingOptions sampling() {
            if (random.nextInt(3) == 0) {
                return SamplingOptions.GREEDY;
            }
            return new SamplingOptions(
                    random.nextFloat() * 2,
                    random.nextBoolean() ? 0 : between(1, 50),
                    random.nextBoolean() ? 1 : 0.05f + 0.95f * random.nextFloat(),
                    random.nextBoolean() ? 0 : 0.2f * random.nextFloat(),
                    random.nextBoolean() ? 1 : 0.5f + random.nextFloat(),
                    random.nextBoolean() ? 0 : random.nextFloat(),
                    random.nextBoolean() ? 0 : random.nextFloat(),
                    random.nextBoolean() ? Map.of() : Map.of(TinyVocabulary.EOS, -2f, 12, 1.5f),
                    OptionalLong.of(random.nextLong()));
        }

        private StopCondition stop() {
            List<String> strings = random.nextInt(3) > 0 ? List.of() : List.of("abc", "cdab", "😀a", "efe");
            Set<Integer> ids = random.nextInt(6) == 0 ? Set.of(random.nextInt(TinyVocabulary.size())) : Set.of();
            return new StopCondition(between(1, random.nextInt(5) > 2 ? 150 : 30), strings, ids, random.nextBoolean());
        }

        private int between(int min, int max) {
            return min + random.nextInt(Math.max(1, max - min + 1));
        }
    }
}
