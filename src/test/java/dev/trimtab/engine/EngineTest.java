package dev.trimtab.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trimtab.engine.Engine.Surroundings;
import dev.trimtab.engine.EngineOptions.PrefixReuse;
import dev.trimtab.error.Internal;
import dev.trimtab.error.InvalidRequest;
import dev.trimtab.error.Overloaded;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(QuietEngineLog.class)
class EngineTest {
    private final KvPool pool = new KvPool(40 * FakeRunner.blockBytes(), 2 * FakeRunner.blockBytes());
    private final FakeRunner runner = new FakeRunner(64, 8, 200, FakeRunner.Faults.NONE);
    private final ManualClock clock = new ManualClock();
    private final List<String> steps = new ArrayList<>();
    private final List<SequenceReport> reports = new ArrayList<>();

    private final List<Engine> engines = new ArrayList<>();

    @AfterEach
    void everythingIsGivenBack() {
        engines.forEach(Engine::close);
        assertThat(pool.freeExtents()).isEqualTo(pool.extents());
        pool.close();
    }

    private Engine engine(int maxSequences, int maxBatchedTokens, int maxWaiting) {
        EngineListener listener = new EngineListener() {
            @Override
            public void stepped(int prefillTokens, int decodeTokens, long durationNanos, long forwardNanos) {
                steps.add(prefillTokens + "+" + decodeTokens);
                clock.advance(10);
            }

            @Override
            public void finished(SequenceReport report) {
                reports.add(report);
            }
        };
        return engine(new EngineOptions(maxSequences, maxBatchedTokens, maxWaiting), pool, listener);
    }

    private Engine engine(EngineOptions options, KvPool kvPool, EngineListener listener) {
        engines.add(new Engine(options, runner, TinyVocabulary.TOKENIZER, new Surroundings(kvPool, listener, clock)));
        return engines.getLast();
    }

    private static GenerationRequest request(int promptLength, StopCondition stop) {
        int[] prompt = new int[promptLength];
        Arrays.setAll(prompt, i -> 9 + i % 20);
        return new GenerationRequest("r", prompt, SamplingOptions.GREEDY, stop);
    }

    /// One of exactly `tokens` output tokens.
    private static GenerationRequest request(int promptLength, int tokens) {
        return request(promptLength, new StopCondition(tokens, List.of(), Set.of(), true));
    }

    private static void runAll(Engine engine) {
        boolean busy = true;
        while (busy) {
            busy = engine.step();
        }
    }

    @Test
    void hasNothingToDoAtFirst() {
        Engine engine = engine(4, 16, 4);

        assertThat(engine.step()).isFalse();
        assertThat(engine.status()).isEqualTo(new EngineStatus(0, 0, 0, 40));
    }

    @Test
    void prefillsInChunksUnderTheTokenBudget() {
        Engine engine = engine(4, 16, 4);
        engine.submit(request(40, 3), new RecordingSink());

        runAll(engine);

        assertThat(steps).containsExactly("16+0", "16+0", "8+0", "0+1", "0+1");
    }

    @Test
    void decodesBeforeItPrefills() {
        Engine engine = engine(4, 16, 4);
        engine.submit(request(4, 4), new RecordingSink());
        engine.step();
        engine.submit(request(40, 1), new RecordingSink());

        runAll(engine);

        assertThat(steps).containsExactly("4+0", "15+1", "15+1", "10+1");
    }

    @Test
    void letsSequencesJoinAndLeaveAtEveryStep() {
        Engine engine = engine(2, 16, 8);
        for (int tokens : new int[] {1, 3, 2, 2}) {
            engine.submit(request(2, tokens), new RecordingSink());
        }

        runAll(engine);

        assertThat(steps).containsExactly("4+0", "2+1", "0+2", "2+0", "0+1");
    }

    @Test
    void reportsTimesAndUsage() {
        Engine engine = engine(1, 16, 4);
        engine.submit(request(20, 3), new RecordingSink());
        engine.submit(request(5, 1), new RecordingSink());

        runAll(engine);

        assertThat(reports)
                .containsExactly(
                        new SequenceReport(new Usage(20, 0, 3), Optional.of(FinishReason.LENGTH), 0, 10, 10, 30),
                        new SequenceReport(new Usage(5, 0, 1), Optional.of(FinishReason.LENGTH), 40, 40, 0, 40));
    }

    @Test
    void endsAtTheEndOfGenerationTokenUnlessToldToIgnoreIt() {
        Engine engine = engine(4, 64, 4);
        RecordingSink ending = new RecordingSink();
        RecordingSink ignoring = new RecordingSink();
        var likely = new SamplingOptions(0, 0, 1, 0, 1, 0, 0, Map.of(TinyVocabulary.EOS, 100f), OptionalLong.of(0));

        engine.submit(new GenerationRequest("a", new int[] {9}, likely, StopCondition.maxTokens(5)), ending);
        engine.submit(
                new GenerationRequest("b", new int[] {9}, likely, new StopCondition(5, List.of(), Set.of(), true)),
                ignoring);
        runAll(engine);

        assertThat(ending.reason()).isEqualTo(FinishReason.STOP);
        assertThat(ending.text()).isEmpty();
        assertThat(ending.usage()).isEqualTo(new Usage(1, 0, 1));
        assertThat(ignoring.reason()).isEqualTo(FinishReason.LENGTH);
        assertThat(ignoring.usage()).isEqualTo(new Usage(1, 0, 5));
    }

    @Test
    void endsWithTheContext() {
        Engine engine = engine(4, 64, 4);
        RecordingSink sink = new RecordingSink();
        engine.submit(request(150, Integer.MAX_VALUE), sink);

        runAll(engine);

        assertThat(sink.reason()).isEqualTo(FinishReason.LENGTH);
        assertThat(sink.usage()).isEqualTo(new Usage(150, 0, 50));
    }

    @Test
    void refusesPromptThatLeavesNoRoomForOutput() {
        Engine engine = engine(4, 64, 4);

        assertThatThrownBy(() -> engine.submit(request(200, 1), new RecordingSink()))
                .isInstanceOfSatisfying(
                        InvalidRequest.class,
                        refusal -> assertThat(refusal.code()).isEqualTo("context_length_exceeded"));
    }

    @Test
    void refusesEmptyPromptsAndTokensOutsideTheVocabulary() {
        Engine engine = engine(4, 64, 4);
        StopCondition stop = StopCondition.maxTokens(1);
        var biased = new SamplingOptions(0, 0, 1, 0, 1, 0, 0, Map.of(-1, 1f), OptionalLong.empty());

        for (int[] prompt : List.of(new int[0], new int[] {-1}, new int[] {TinyVocabulary.size()})) {
            assertThatThrownBy(() -> engine.submit(
                            new GenerationRequest("r", prompt, SamplingOptions.GREEDY, stop), new RecordingSink()))
                    .isInstanceOf(InvalidRequest.class);
        }
        assertThatThrownBy(() ->
                        engine.submit(new GenerationRequest("r", new int[] {9}, biased, stop), new RecordingSink()))
                .isInstanceOf(InvalidRequest.class)
                .hasMessageContaining("logit_bias");
    }

    @Test
    void shedsWhatDoesNotFitTheQueue() {
        Engine engine = engine(1, 16, 2);
        engine.submit(request(4, 2), new RecordingSink());
        engine.submit(request(4, 2), new RecordingSink());

        assertThatThrownBy(() -> engine.submit(request(4, 2), new RecordingSink()))
                .isInstanceOfSatisfying(Overloaded.class, shed -> {
                    assertThat(shed.scope()).isEqualTo(Overloaded.Scope.SERVER);
                    assertThat(shed.dropReason()).isEqualTo("queue_full");
                    assertThat(shed.retryAfter()).isPositive();
                });
        assertThat(engine.status().waiting()).isEqualTo(2);

        engine.step();

        engine.submit(request(4, 2), new RecordingSink());
        assertThat(engine.status()).isEqualTo(new EngineStatus(1, 2, 1, 40));
        runAll(engine);
        assertThat(reports).hasSize(3);
    }

    @Test
    void endsCancelledSequencesAtTheNextStep() {
        Engine engine = engine(1, 16, 4);
        RecordingSink running = new RecordingSink();
        RecordingSink waiting = new RecordingSink();
        Generation first = engine.submit(request(4, 50), running);
        Generation second = engine.submit(request(4, 50), waiting);
        engine.step();

        first.cancel();
        first.cancel();
        second.cancel();
        boolean stepped = engine.step();

        assertThat(stepped).isTrue();
        assertThat(steps).hasSize(1);
        assertThat(running.usage()).isEqualTo(new Usage(4, 0, 1));
        assertThat(running.reason()).isEqualTo(FinishReason.CANCELLED);
        assertThat(waiting.reason()).isEqualTo(FinishReason.CANCELLED);
        assertThat(engine.status()).isEqualTo(new EngineStatus(0, 0, 0, 40));
    }

    @Test
    void failsRunningSequencesWithTheForwardPassAndGoesOn() {
        Engine engine = engine(1, 16, 4);
        RecordingSink running = new RecordingSink();
        RecordingSink waiting = new RecordingSink();
        engine.submit(request(4, 5), running);
        engine.submit(request(4, 5), waiting);
        engine.step();
        runner.failNext(1);

        runAll(engine);

        assertThat(((TokenEvent.Failed) running.last()).error())
                .isInstanceOf(Internal.class)
                .hasRootCauseMessage("injected");
        assertThat(waiting.reason()).isEqualTo(FinishReason.LENGTH);
    }

    @Test
    void breaksAfterRepeatedFailures() {
        Engine engine = engine(1, 16, 8);
        List<RecordingSink> sinks = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            sinks.add(new RecordingSink());
            engine.submit(request(4, 5), sinks.getLast());
        }
        runner.failNext(Engine.FAILURES_MAX);

        runAll(engine);

        assertThat(runner.steps()).isEqualTo(Engine.FAILURES_MAX);
        assertThat(sinks).allMatch(RecordingSink::failed);
        assertThatThrownBy(() -> engine.submit(request(4, 5), new RecordingSink()))
                .isInstanceOf(Internal.class);
    }

    @Test
    void preemptsTheYoungestWhenBlocksRunOut() {
        KvPool small = new KvPool(4 * FakeRunner.blockBytes(), FakeRunner.blockBytes());
        List<Integer> preempted = new ArrayList<>();
        EngineListener listener = new EngineListener() {
            @Override
            public void preempted(int sequences) {
                preempted.add(sequences);
            }
        };
        Engine engine = engine(new EngineOptions(4, 64, 4), small, listener);
        RecordingSink oldest = new RecordingSink();
        RecordingSink youngest = new RecordingSink();
        engine.submit(request(30, 80), oldest);
        engine.submit(request(31, 80), youngest);

        runAll(engine);

        assertThat(preempted).isNotEmpty().allMatch(count -> count == 1);
        assertThat(oldest.text())
                .isEqualTo(
                        Alone.run(request(30, 80), 128, FakeRunner.Faults.NONE).text());
        assertThat(youngest.text())
                .isEqualTo(
                        Alone.run(request(31, 80), 128, FakeRunner.Faults.NONE).text());
        engine.close();
        small.close();
    }

    @Test
    void letsNobodyOvertakeAPreemptedSequence() {
        KvPool small = new KvPool(4 * FakeRunner.blockBytes(), FakeRunner.blockBytes());
        List<String> ended = new ArrayList<>();
        Engine engine = engine(new EngineOptions(2, 64, 4), small, EngineListener.NONE);
        engine.submit(request(30, 80), last(() -> ended.add("oldest")));
        engine.submit(request(31, 80), last(() -> ended.add("preempted")));
        engine.submit(request(1, 1), last(() -> ended.add("late")));

        runAll(engine);

        assertThat(ended).containsExactly("oldest", "preempted", "late");
        engine.close();
        small.close();
    }

    private static TokenSink last(Runnable action) {
        return event -> {
            if (event instanceof TokenEvent.Finished) {
                action.run();
            }
        };
    }

    @Test
    void failsWhatIsLeftWhenClosed() {
        Engine engine = engine(1, 16, 4);
        RecordingSink running = new RecordingSink();
        RecordingSink waiting = new RecordingSink();
        engine.submit(request(4, 5), running);
        engine.submit(request(4, 5), waiting);
        engine.step();

        engine.close();
        engine.close();

        assertThat(((TokenEvent.Failed) running.last()).error()).isInstanceOf(Overloaded.class);
        assertThat(waiting.failed()).isTrue();
        assertThatThrownBy(() -> engine.submit(request(4, 5), new RecordingSink()))
                .isInstanceOf(Overloaded.class);
    }

    @Test
    void reportsLogProbabilitiesOfEachTokenWhenAsked() {
        Engine engine = engine(4, 64, 4);
        List<TokenEvent.Delta> deltas = new ArrayList<>();
        GenerationRequest plain = request(4, 3);
        var biased = new SamplingOptions(0, 0, 1, 0, 1, 0, 0, Map.of(20, 100f), OptionalLong.of(0));

        engine.submit(new GenerationRequest("r", plain.prompt(), biased, plain.stop(), "", 2), event -> {
            if (event instanceof TokenEvent.Delta delta) {
                deltas.add(delta);
            }
        });
        runAll(engine);

        assertThat(deltas).hasSize(3).allSatisfy(delta -> {
            TokenEvent.Logprobs logprobs = delta.logprobs().getFirst();
            assertThat(logprobs.chosen().token()).isEqualTo(20);
            assertThat(logprobs.chosen().logprob()).isLessThan(0);
            assertThat(logprobs.top()).hasSize(2);
            assertThat(logprobs.top().getFirst().logprob())
                    .isBetween(logprobs.top().getLast().logprob(), 0f);
        });
    }

    @Test
    void survivesAListenerThatThrows() {
        EngineListener faulty = new EngineListener() {
            @Override
            public void stepped(int prefillTokens, int decodeTokens, long durationNanos, long forwardNanos) {
                throw new IllegalStateException("a bug in telemetry");
            }
        };
        Engine engine = engine(new EngineOptions(4, 64, 4), pool, faulty);
        RecordingSink sink = new RecordingSink();
        engine.submit(request(4, 5), sink);

        runAll(engine);

        assertThat(sink.reason()).isEqualTo(FinishReason.LENGTH);
    }

    @Test
    void computesOnlyWhatNoEarlierSequenceHas() {
        Engine engine = engine(4, 64, 4);
        RecordingSink first = new RecordingSink();
        RecordingSink second = new RecordingSink();
        RecordingSink longer = new RecordingSink();

        engine.submit(request(64, 2), first);
        runAll(engine);
        engine.submit(request(64, 2), second);
        runAll(engine);
        engine.submit(request(100, 1), longer);
        runAll(engine);

        assertThat(steps).containsExactly("64+0", "0+1", "32+0", "0+1", "36+0");
        assertThat(second.usage()).isEqualTo(new Usage(64, 32, 2)); // the last token is always computed
        assertThat(longer.usage()).isEqualTo(new Usage(100, 64, 1));
        assertThat(second.text()).isEqualTo(first.text());
        assertThat(engine.status()).isEqualTo(new EngineStatus(0, 0, 0, 40));
    }

    @Test
    void sharesBlocksBetweenSequencesThatRunTogether() {
        Engine engine = engine(4, 200, 4);
        engine.submit(request(65, 3), new RecordingSink());
        engine.submit(request(65, 3), new RecordingSink());

        engine.step();

        assertThat(steps).containsExactly("64+0");
        runAll(engine);
        assertThat(steps).containsExactly("64+0", "2+0", "0+2", "0+2");
    }

    @Test
    void keepsTheBlocksOfDifferentSaltsApart() {
        Engine engine = engine(4, 64, 4);
        RecordingSink other = new RecordingSink();
        RecordingSink same = new RecordingSink();
        GenerationRequest plain = request(64, 1);

        for (RecordingSink sink : List.of(new RecordingSink(), other, same)) {
            String salt = sink == other ? "tenant b" : "tenant a";
            engine.submit(
                    new GenerationRequest("r", plain.prompt().clone(), plain.sampling(), plain.stop(), salt, -1), sink);
            runAll(engine);
        }

        assertThat(other.usage().cachedTokens()).isZero();
        assertThat(same.usage().cachedTokens()).isEqualTo(32);
    }

    @Test
    void computesEverythingWithoutPrefixReuse() {
        Engine engine = engine(new EngineOptions(4, 64, 4, PrefixReuse.OFF), pool, EngineListener.NONE);
        RecordingSink second = new RecordingSink();
        engine.submit(request(64, 2), new RecordingSink());
        runAll(engine);
        engine.submit(request(64, 2), second);

        runAll(engine);

        assertThat(second.usage().cachedTokens()).isZero();
        assertThat(pool.freeExtents()).isEqualTo(pool.extents());
    }

    @Test
    void givesCachedBlocksUpForAnotherEngine() {
        Engine idle = engine(4, 64, 8);
        for (int i = 0; i < 8; i++) {
            int[] prompt = new int[190];
            Arrays.fill(prompt, 9 + i);
            idle.submit(
                    new GenerationRequest("r", prompt, SamplingOptions.GREEDY, StopCondition.maxTokens(1)),
                    new RecordingSink());
        }
        runAll(idle);
        int freeBefore = pool.freeExtents();
        Engine busy = engine(4, 64, 4);
        RecordingSink sink = new RecordingSink();
        busy.submit(request(190, 5), sink);

        runAll(busy);

        assertThat(freeBefore).isLessThan(3);
        assertThat(sink.reason()).isEqualTo(FinishReason.LENGTH);
        assertThat(sink.usage().completionTokens()).isEqualTo(5);
    }
}
