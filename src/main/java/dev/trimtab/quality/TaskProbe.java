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
import dev.trimtab.engine.TokenSink;
import dev.trimtab.kernel.KvLayout;
import dev.trimtab.model.ForwardPass;
import dev.trimtab.quality.measure.Estimate;
import dev.trimtab.tokenizer.Tokenizer;
import dev.trimtab.tokenizer.Tokenizer.ControlTokens;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/// Task accuracy: the share of prompts that a model answers, greedily, with exactly the text that is expected. It
/// drives an engine itself, so no loop may own the model meanwhile.
public final class TaskProbe {
    /// A prompt as ids, and the answer, compared without the space around it.
    @SuppressWarnings("ArrayRecordComponent")
    public record Task(int[] prompt, String answer) {}

    /// Tokens beyond the expected answer's: what is longer is wrong already.
    private static final int SPARE_TOKENS = 8;

    private static final long POOL_BYTES_MIN = 64L << 20;

    private TaskProbe() {}

    private static final class Answer implements TokenSink {
        private final StringBuilder text = new StringBuilder();
        private boolean isFinished;

        @Override
        public void accept(TokenEvent event) {
            switch (event) {
                case TokenEvent.Delta delta -> text.append(delta.text());
                case TokenEvent.Finished _ -> isFinished = true;
                case TokenEvent.PromptScored _ -> {}
                case TokenEvent.Failed failed -> throw failed.error();
            }
        }

        boolean is(String expected) {
            return isFinished && text.toString().strip().equals(expected.strip());
        }
    }

    /// The share answered right, with its binomial error.
    ///
    /// @param tasks one or more
    /// @throws dev.trimtab.error.InvalidRequest when a prompt does not fit the context
    public static Estimate accuracy(ForwardPass model, Tokenizer tokenizer, List<Task> tasks) {
        List<Answer> answers = new ArrayList<>();
        int seats = Math.min(model.logitCapacity(), model.tokenCapacity());
        EngineOptions options = new EngineOptions(seats, model.tokenCapacity(), tasks.size(), PrefixReuse.OFF);
        try (KvPool kvPool = new KvPool(poolBytes(model, seats));
                Engine engine = new Engine(
                        options,
                        model,
                        tokenizer,
                        new Engine.Surroundings(kvPool, EngineListener.NONE, System::nanoTime))) {
            for (Task task : tasks) {
                Answer answer = new Answer();
                answers.add(answer);
                engine.submit(request(answers.size(), task, tokenizer), answer);
            }
            boolean working = true;
            while (working) {
                working = engine.step();
            }
        }
        int right = 0;
        for (int i = 0; i < answers.size(); i++) {
            right += answers.get(i).is(tasks.get(i).answer()) ? 1 : 0;
        }
        double share = (double) right / tasks.size();
        return new Estimate(share, Math.sqrt(share * (1 - share) / tasks.size()));
    }

    /// Room for a context, or for every seat at half a thousand tokens.
    private static long poolBytes(ForwardPass model, int seats) {
        long context = Math.ceilDiv(model.contextLength(), KvLayout.BLOCK_TOKENS);
        long blocks = Math.max(context, seats * Math.min(context, 512 / KvLayout.BLOCK_TOKENS)) + 1;
        return Math.max(POOL_BYTES_MIN, 2 * blocks * model.kvLayout().blockBytes());
    }

    private static GenerationRequest request(int index, Task task, Tokenizer tokenizer) {
        int tokens = tokenizer.encode(task.answer(), ControlTokens.AS_TEXT).length + SPARE_TOKENS;
        StopCondition stop = new StopCondition(tokens, List.of(), Set.of(), false);
        return new GenerationRequest("task-" + index, task.prompt(), SamplingOptions.GREEDY, stop);
    }
}
