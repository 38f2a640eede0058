package dev.trimtab.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trimtab.engine.Engine.Surroundings;
import dev.trimtab.engine.GenerationRequest.PromptScores;
import dev.trimtab.error.InvalidRequest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// Log probabilities of prompts and outputs, beside what the simulation checks of them.
class LogprobsTest {
    private final KvPool pool = new KvPool(40 * FakeRunner.blockBytes(), FakeRunner.blockBytes());
    private final FakeRunner runner = new FakeRunner(64, 8, 400, FakeRunner.Faults.NONE);
    private final List<String> steps = new ArrayList<>();
    private final EngineListener listener = new EngineListener() {
        @Override
        public void stepped(int prefillTokens, int decodeTokens, long durationNanos, long forwardNanos) {
            steps.add(prefillTokens + "+" + decodeTokens);
        }
    };
    private final Engine engine = new Engine(
            new EngineOptions(4, 64, 4),
            runner,
            TinyVocabulary.TOKENIZER,
            new Surroundings(pool, listener, new ManualClock()));

    @AfterEach
    void close() {
        engine.close();
        pool.close();
    }

    private static GenerationRequest request(int promptLength, StopCondition stop, PromptScores scores) {
        int[] prompt = new int[promptLength];
        Arrays.setAll(prompt, i -> 9 + i % 20);
        return new GenerationRequest("r", prompt, SamplingOptions.GREEDY, stop, "", 1, scores);
    }

    private RecordingSink run(GenerationRequest request) {
        RecordingSink sink = new RecordingSink();
        engine.submit(request, sink);
        boolean busy = true;
        while (busy) {
            busy = engine.step();
        }
        return sink;
    }

    @Test
    void scoresAPromptInChunksOfTheRowsThereAre() {
        RecordingSink sink = run(request(20, new StopCondition(1, List.of(), Set.of(), true), PromptScores.ALL));

        assertThat(steps).containsExactly("8+0", "8+0", "4+0");
        assertThat(sink.promptScores()).hasSize(19);
        assertThat(sink.scores()).hasSize(1);
    }

    @Test
    void leavesARowToEverybodyElse() {
        RecordingSink other = new RecordingSink();
        engine.submit(request(1, new StopCondition(4, List.of(), Set.of(), true), PromptScores.NONE), other);
        engine.step();

        run(request(20, new StopCondition(1, List.of(), Set.of(), true), PromptScores.ALL));

        assertThat(steps).containsExactly("1+0", "7+1", "7+1", "6+1");
        assertThat(other.tokens()).isEqualTo(4);
    }

    @Test
    void scoresAPromptThatIsCached() {
        StopCondition stop = new StopCondition(1, List.of(), Set.of(), true);
        RecordingSink first = run(request(70, stop, PromptScores.ALL));

        RecordingSink second = run(request(70, stop, PromptScores.ALL));
        RecordingSink unscored = run(request(70, stop, PromptScores.NONE));

        assertThat(second.promptScores()).isEqualTo(first.promptScores()).hasSize(69);
        assertThat(second.usage().cachedTokens()).isZero();
        assertThat(unscored.usage().cachedTokens()).isEqualTo(64);
        assertThat(second.text()).isEqualTo(unscored.text());
    }

    @Test
    void mayGenerateNothing() {
        RecordingSink sink = run(request(10, StopCondition.maxTokens(0), PromptScores.ALL));

        assertThat(sink.promptScores()).hasSize(9);
        assertThat(sink.usage()).isEqualTo(new Usage(10, 0, 0));
        assertThat(sink.reason()).isEqualTo(FinishReason.LENGTH);
        assertThat(sink.text()).isEmpty();
    }

    @Test
    void needsTheNumberOfAlternativesToScoreAPrompt() {
        assertThatThrownBy(() -> new GenerationRequest(
                        "r",
                        new int[] {9},
                        SamplingOptions.GREEDY,
                        StopCondition.maxTokens(1),
                        "",
                        GenerationRequest.NO_LOGPROBS,
                        PromptScores.ALL))
                .isInstanceOf(InvalidRequest.class);
    }

    @Test
    void keepsTheTokensOfAStopStringToItself() {
        RecordingSink free = run(request(4, new StopCondition(12, List.of(), Set.of(), true), PromptScores.NONE));
        String stop = free.text().substring(4, 7);
        int before = free.text().indexOf(stop);

        RecordingSink stopped =
                run(request(4, new StopCondition(12, List.of(stop), Set.of(), true), PromptScores.NONE));

        assertThat(stopped.text()).isEqualTo(free.text().substring(0, before));
        assertThat(stopped.scores())
                .isEqualTo(free.scores().subList(0, stopped.scores().size()));
        assertThat(textOf(stopped.scores())).startsWith(stopped.text());
        assertThat(textOf(stopped.scores().subList(0, stopped.scores().size() - 1))
                        .length())
                .isLessThan(stopped.text().length());
    }

    private static String textOf(List<TokenEvent.Logprobs> scores) {
        var detokenizer = TinyVocabulary.TOKENIZER.detokenizer();
        StringBuilder text = new StringBuilder();
        scores.forEach(score -> text.append(detokenizer.accept(score.chosen().token())));
        return text.append(detokenizer.finish()).toString();
    }
}
