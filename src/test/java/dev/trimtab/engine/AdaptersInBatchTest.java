package dev.trimtab.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.checkpoint.adapter.LoraAdapter;
import dev.trimtab.checkpoint.adapter.TestAdapters;
import dev.trimtab.error.NotFound;
import dev.trimtab.error.Overloaded;
import dev.trimtab.kernel.ComputePool;
import dev.trimtab.kernel.Kernels;
import dev.trimtab.model.LoadListener;
import dev.trimtab.model.Model;
import dev.trimtab.model.ModelLoader;
import dev.trimtab.model.adapter.AdapterShelf;
import dev.trimtab.model.adapter.AdapterShelf.Naming;
import dev.trimtab.tokenizer.Tokenizer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Sequences of one batch with different adapters, on the embedded model.
class AdaptersInBatchTest {
    private static final Path DEMO = Path.of("src/main/resources/models/demo.gguf");
    private static final int OUTPUT = 12;

    /// Long enough to fill KV blocks, which others could share.
    private static final int PROMPT = 70;

    private static final List<Map<String, Float>> MIXES = List.of(
            Map.of(),
            Map.of("one", 1f),
            Map.of("other", 1f),
            Map.of("one", 0.5f, "other", -0.5f),
            Map.of("one", -1f),
            Map.of());

    @TempDir
    private Path folder;

    private final ComputePool pool = new ComputePool(2);
    private Model model;
    private Tokenizer tokenizer;
    private KvPool kvPool;
    private Engine engine;

    @BeforeEach
    void load() {
        try (Checkpoint checkpoint = Checkpoint.open(DEMO)) {
            model = checkpoint.reading(() -> ModelLoader.load(
                    checkpoint,
                    new ModelLoader.Packing(Kernels.best(pool)),
                    ModelLoader.Options.SERVING,
                    new Model.Capacity(256, 16),
                    LoadListener.NONE));
            tokenizer = Tokenizer.of(checkpoint.metadata());
            load(checkpoint, "one", 8, 1, Naming.NEW);
            load(checkpoint, "other", 5, 2, Naming.NEW);
        }
        kvPool = new KvPool(64 * model.kvLayout().blockBytes(), model.kvLayout().blockBytes());
        engine = engine(8);
    }

    private void load(Checkpoint checkpoint, String name, int rank, long seed, Naming naming) {
        Path path = TestAdapters.random(checkpoint, rank, seed, TestAdapters.LAYERS)
                .alpha(4)
                .write(folder.resolve(name + seed + ".gguf"));
        try (LoraAdapter adapter = LoraAdapter.open(path)) {
            shelf().load(name, adapter, 1, naming);
        }
    }

    private AdapterShelf shelf() {
        return model.adapters();
    }

    private Engine engine(int waiting) {
        return new Engine(
                new EngineOptions(8, 256, waiting),
                model,
                tokenizer,
                new Engine.Surroundings(kvPool, EngineListener.NONE, System::nanoTime));
    }

    @AfterEach
    void free() {
        engine.close();
        kvPool.close();
        model.close();
        pool.close();
    }

    private static GenerationRequest request(Map<String, Float> adapters) {
        int[] prompt = new int[PROMPT];
        for (int i = 0; i < PROMPT; i++) {
            prompt[i] = 40 + i * 7 % 900;
        }
        SamplingOptions greedy = new SamplingOptions(0, 0, 1, 0, 1, 0, 0, Map.of(), OptionalLong.empty());
        StopCondition stop = new StopCondition(OUTPUT, List.of(), Set.of(), true);
        return new GenerationRequest("adapted", prompt, greedy, stop, "", 3).with(adapters);
    }

    private void runAll() {
        boolean goesOn = true;
        while (goesOn) {
            goesOn = engine.step();
        }
    }

    private List<TokenEvent.Logprobs> alone(Map<String, Float> adapters) {
        RecordingSink sink = new RecordingSink();
        engine.submit(request(adapters), sink);
        runAll();
        assertThat(sink.reason()).isEqualTo(FinishReason.LENGTH);
        return sink.scores();
    }

    /// Bitwise: log probabilities are compared as they are. It also holds that no sequence takes another's keys
    /// and values from the cache, for all have one prompt.
    @Test
    void givesEachTheNumbersItHasAlone() {
        List<List<TokenEvent.Logprobs>> alone = MIXES.stream().map(this::alone).toList();

        List<RecordingSink> sinks = new ArrayList<>();
        for (Map<String, Float> mix : MIXES) {
            sinks.add(new RecordingSink());
            engine.submit(request(mix), sinks.getLast());
        }
        runAll();

        for (int i = 0; i < MIXES.size(); i++) {
            assertThat(sinks.get(i).scores()).as("%s", MIXES.get(i)).isEqualTo(alone.get(i));
        }
        assertThat(alone.stream().distinct()).hasSize(MIXES.size() - 1);
    }

    @Test
    void sharesCachedPromptsOnlyWithTheSameAdapters() {
        alone(Map.of("one", 1f));

        RecordingSink same = new RecordingSink();
        RecordingSink scaled = new RecordingSink();
        RecordingSink plain = new RecordingSink();
        engine.submit(request(Map.of("one", 1f)), same);
        engine.submit(request(Map.of("one", 2f)), scaled);
        engine.submit(request(Map.of()), plain);
        runAll();

        assertThat(same.usage().cachedTokens()).isPositive();
        assertThat(scaled.usage().cachedTokens()).isZero();
        assertThat(plain.usage().cachedTokens()).isZero();
    }

    @Test
    void aReplacedAdapterSharesNothingWithTheOldOne() {
        alone(Map.of("one", 1f));
        try (Checkpoint checkpoint = Checkpoint.open(DEMO)) {
            load(checkpoint, "one", 8, 3, Naming.REPLACING);
        }

        RecordingSink sink = new RecordingSink();
        engine.submit(request(Map.of("one", 1f)), sink);
        runAll();

        assertThat(sink.usage().cachedTokens()).isZero();
    }

    @Test
    void anUnloadedAdapterServesWhatRunsAndIsThenFreed() {
        List<TokenEvent.Logprobs> expected = alone(Map.of("one", 1f));
        RecordingSink running = new RecordingSink();
        engine.submit(request(Map.of("one", 1f)), running);
        engine.step();

        assertThat(shelf().unload("one").sequences()).isOne();
        shelf().unload("other");

        assertThat(shelf().list()).isEmpty();
        assertThat(shelf().sizeBytes()).isPositive();
        assertThatThrownBy(() -> engine.submit(request(Map.of("one", 1f)), new RecordingSink()))
                .isInstanceOf(NotFound.class)
                .hasMessageContaining("adapter `one` is not loaded; loaded: none");
        runAll();
        assertThat(running.scores()).isEqualTo(expected);
        assertThat(shelf().sizeBytes()).isZero();
    }

    @Test
    void aRefusedOrCancelledSequenceHoldsNoAdapter() {
        engine.close();
        engine = engine(1);
        Generation waiting = engine.submit(request(Map.of("one", 1f)), new RecordingSink());
        assertThatThrownBy(() -> engine.submit(request(Map.of("one", 1f)), new RecordingSink()))
                .isInstanceOf(Overloaded.class);

        waiting.cancel();
        runAll();

        assertThat(shelf().unload("one").sequences()).isZero();
    }
}
