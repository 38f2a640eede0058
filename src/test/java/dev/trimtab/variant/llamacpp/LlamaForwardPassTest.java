package dev.trimtab.variant.llamacpp;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.engine.Engine;
import dev.trimtab.engine.EngineListener;
import dev.trimtab.engine.EngineOptions;
import dev.trimtab.engine.GenerationRequest;
import dev.trimtab.engine.KvPool;
import dev.trimtab.engine.SamplingOptions;
import dev.trimtab.engine.StopCondition;
import dev.trimtab.engine.TokenEvent;
import dev.trimtab.kernel.llamacpp.LlamaLibrary;
import dev.trimtab.kernel.llamacpp.LlamaModel;
import dev.trimtab.tokenizer.Tokenizer;
import dev.trimtab.tokenizer.Tokenizer.ControlTokens;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/// llama.cpp behind our engine where its cells are scarce: sequences wait for each other, are put back and
/// computed again, and leave holes.
class LlamaForwardPassTest {
    private static final Path DEMO = Path.of("src/main/resources/models/demo.gguf");
    private static final EngineOptions OPTIONS = new EngineOptions(8, 64, 256).withoutPrefixReuse();

    @Test
    void sequencesThatShareFewCellsSayWhatTheySayAlone() {
        List<String> alone = new ArrayList<>();
        AtomicInteger preempted = new AtomicInteger();
        try (Bench bench = new Bench(512, new AtomicInteger())) {
            for (int i = 2; i < 26; i++) {
                alone.addAll(bench.run(List.of(prompt(i))));
            }
        }

        List<String> together;
        try (Bench bench = new Bench(192, preempted)) {
            List<String> prompts = new ArrayList<>();
            for (int i = 2; i < 26; i++) {
                prompts.add(prompt(i));
            }
            together = bench.run(prompts);
        }

        assertThat(together).isEqualTo(alone);
        assertThat(preempted).hasPositiveValue();
    }

    private static String prompt(int i) {
        String question = i % 3 == 0 ? "Spell the word eye." : "What is " + i % 10 + " * 9?";
        return "<|im_start|>user\n" + question + "<|im_end|>\n<|im_start|>assistant\n";
    }

    /// An engine over llama.cpp, driven by hand.
    private static final class Bench implements AutoCloseable {
        private final LlamaForwardPass model;
        private final KvPool pool;
        private final Engine engine;
        private final Tokenizer tokenizer;

        Bench(int cells, AtomicInteger preempted) {
            LlamaLibrary library = LlamaLibrary.load(Optional.empty());
            model = new LlamaForwardPass(
                    LlamaModel.load(library, DEMO, LlamaModel.Part.ALL_ON_CPU),
                    new LlamaForwardPass.Sizes(cells, cells, OPTIONS.maxBatchedTokens(), OPTIONS.maxSequences()),
                    1);
            try (Checkpoint checkpoint = Checkpoint.open(DEMO)) {
                tokenizer = Tokenizer.of(checkpoint.metadata());
            }
            pool = new KvPool(model.ticketBytes(), model.kvLayout().blockBytes());
            EngineListener listener = new EngineListener() {
                @Override
                public void preempted(int sequences) {
                    preempted.addAndGet(sequences);
                }
            };
            engine = new Engine(OPTIONS, model, tokenizer, new Engine.Surroundings(pool, listener, System::nanoTime));
        }

        List<String> run(List<String> prompts) {
            List<StringBuilder> texts = new ArrayList<>();
            for (String prompt : prompts) {
                StringBuilder text = new StringBuilder();
                texts.add(text);
                int[] ids = tokenizer.encodePrompt(prompt, ControlTokens.PARSE);
                // Ignoring the end makes them long: more blocks than there are.
                StopCondition stop = new StopCondition(60, List.of(), Set.of(), true);
                engine.submit(new GenerationRequest("test", ids, SamplingOptions.GREEDY, stop), event -> {
                    switch (event) {
                        case TokenEvent.Delta delta -> text.append(delta.text());
                        case TokenEvent.PromptScored _, TokenEvent.Finished _ -> {}
                        case TokenEvent.Failed failed -> text.append(failed);
                    }
                });
            }
            while (engine.step()) {
                // until nothing is left to do
            }
            return texts.stream().map(StringBuilder::toString).toList();
        }

        @Override
        public void close() {
            engine.close();
            model.close();
            pool.close();
        }
    }
}
