package dev.trimtab.variant.measure;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.checkpoint.GgufWriter;
import dev.trimtab.checkpoint.hub.Hub;
import dev.trimtab.checkpoint.hub.HubOptions;
import dev.trimtab.compress.recipe.Recipe;
import dev.trimtab.engine.EngineListener;
import dev.trimtab.engine.EngineLoop;
import dev.trimtab.engine.EngineOptions;
import dev.trimtab.engine.GenerationRequest;
import dev.trimtab.engine.KvPool;
import dev.trimtab.engine.SamplingOptions;
import dev.trimtab.engine.StopCondition;
import dev.trimtab.engine.TokenEvent;
import dev.trimtab.engine.background.BackgroundWork;
import dev.trimtab.kernel.ComputePool;
import dev.trimtab.kernel.Kernels;
import dev.trimtab.model.ModelLoader;
import dev.trimtab.model.TensorStore;
import dev.trimtab.tensor.Encoding;
import dev.trimtab.tensor.Tensor;
import dev.trimtab.variant.Backend;
import dev.trimtab.variant.Measured;
import dev.trimtab.variant.MemoryPlan;
import dev.trimtab.variant.ModelSource;
import dev.trimtab.variant.Prompts;
import dev.trimtab.variant.RecipeLoader;
import dev.trimtab.variant.Variant;
import dev.trimtab.variant.VariantDeclaration;
import dev.trimtab.variant.VariantLoader;
import dev.trimtab.variant.VariantRegistry;
import dev.trimtab.variant.VariantState;
import dev.trimtab.variant.life.LifecycleListener;
import dev.trimtab.variant.life.LocalVariants;
import dev.trimtab.variant.life.MemoryBudget;
import dev.trimtab.variant.life.Sources;
import dev.trimtab.variant.life.VariantLifecycle;
import dev.trimtab.variant.life.VariantOrder;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// The demo model measured while it serves, with everything real but the network.
@Timeout(120)
class DemoMeasuringTest {
    private static final Path DEMO = Path.of("src/main/resources/models/demo.gguf");
    private static final String SHORT = "quantize: int4\nevaluate: {tokens: 256}\n";
    private static final long BUDGET = 256L << 20;

    @TempDir
    private Path folder;

    private final ComputePool pool = new ComputePool(2);
    private final TensorStore store = new TensorStore();
    private final EngineLoop loop = new EngineLoop();
    private final MemoryPlan plan = new MemoryPlan(BUDGET, 0, 0, 32L << 20, 1 << 20);
    private final KvPool kvPool = new KvPool(plan.kvBytes(), plan.kvExtentBytes());
    private final VariantRegistry registry = new VariantRegistry();
    private final MemoryBudget budget = new MemoryBudget(BUDGET, plan, () -> Long.MAX_VALUE);
    private final VariantLoader loader = new VariantLoader(
            new RecipeLoader(new ModelLoader.Packing(Kernels.best(pool), store), pool, Optional.empty()),
            loop,
            kvPool,
            new VariantLoader.Options(ModelLoader.Options.SERVING, EngineOptions.DEFAULT),
            budget::freeBytes,
            _ -> EngineListener.NONE);
    private volatile UnaryOperator<BackgroundWork> around = UnaryOperator.identity();
    private BackgroundMeasuring measuring;
    private VariantLifecycle lifecycle;

    @BeforeEach
    void open() {
        open(budget);
    }

    private void open(MemoryBudget ofBases) {
        Sources sources = new Sources(new Hub(
                new HubOptions(URI.create("http://127.0.0.1:1"), Optional.empty(), folder, HubOptions.STALL),
                (_, _) -> {}));
        Examination real =
                new CheckpointExamination(loader, sources, ofBases, folder.resolve("measure"), System::nanoTime);
        measuring = new BackgroundMeasuring(
                registry,
                loop,
                (order, variant, units) -> real.examine(order, variant, new Examination.Units() {
                    @Override
                    public void run(BackgroundWork work) {
                        units.run(around.apply(work));
                    }

                    @Override
                    public void check() {
                        units.check();
                    }
                }));
        lifecycle = new VariantLifecycle(
                registry,
                new MeasuredVariants(new LocalVariants(loader, sources), measuring),
                budget,
                new VariantLifecycle.Options(4, 8, Duration.ofMillis(50)),
                LifecycleListener.NONE);
    }

    private void reopen(MemoryBudget ofBases) {
        measuring.close();
        lifecycle.close();
        open(ofBases);
    }

    @AfterEach
    void close() {
        measuring.close();
        lifecycle.close();
        loop.close();
        kvPool.close();
        pool.close();
        assertThat(store.sizeBytes()).isZero();
        assertThat(budget.takenBytes()).isZero();
    }

    @Test
    void makesInt4ReadyAndQuarantinesWhatMissesItsGate() throws IOException {
        load("demo-int4", Optional.of("quantize: int4"));
        load("gated", Optional.of("quantize: int4\nevaluate: {gates: {same_top: '>=0.9999'}}\n"));
        load("warned", Optional.of("quantize: int4\nevaluate: {gates: {same_top: '>=0.9999'}, on_fail: warn}\n"));
        load("stored", Optional.empty());
        long bytes = store.sizeBytes();
        long taken = budget.takenBytes();
        assertThat(registry.get("demo-int4").name()).isEqualTo("demo-int4");

        settle();

        assertThat(registry.slot("demo-int4").state()).isEqualTo(new VariantState.Ready());
        Measured found = registry.slot("demo-int4").measured().orElseThrow();
        assertThat(found.quality().orElseThrow()).isGreaterThan(0.9).isLessThan(1);
        assertThat(found.decodeTokensPerSecond().orElseThrow()).isPositive();
        assertThat(Measured.SHOWN)
                .allSatisfy(name -> assertThat(found.figure(name)).isPresent());
        assertThat(found.figures().get("kld_mean"))
                .isInstanceOfSatisfying(Double.class, kld -> assertThat(kld).isPositive());
        assertThat(registry.slot("gated").state())
                .isInstanceOfSatisfying(
                        VariantState.Quarantined.class,
                        state -> assertThat(state.missed()).startsWith("same_top >= 0.9999 missed: found 0.9"));
        assertThat(registry.slot("warned").state()).isEqualTo(new VariantState.Ready());
        assertThat(registry.slot("warned").measured().orElseThrow().warning()).isPresent();
        assertThat(registry.slot("stored").measured().orElseThrow().quality().orElseThrow())
                .isGreaterThan(found.quality().orElseThrow());
        assertThat(teachers()).hasSize(1);
        assertThat(store.sizeBytes()).isEqualTo(bytes);
        assertThat(budget.takenBytes()).isEqualTo(taken);
    }

    @Test
    void servesAVariantThatLacksTokens() {
        load("whole", Optional.of("quantize: int8"));
        load("half", Optional.of("prune: [{method: vocab, keep: 0.5}]\nquantize: int8"));

        String expected = answer("whole", "What is the capital of Norway?");

        assertThat(answer("half", "What is the capital of Norway?"))
                .isEqualTo(expected)
                .contains("Oslo");
        assertThat(registry.get("half").tokenizer().vocabulary().size())
                .isEqualTo(registry.get("whole").tokenizer().vocabulary().size() / 2);
        assertThat(registry.get("half").description())
                .containsEntry(
                        "vocab_size",
                        registry.get("half").tokenizer().vocabulary().size());
    }

    private String answer(String name, String question) {
        Variant variant = registry.get(name);
        int[] prompt = Prompts.chat(variant, List.of(Map.of("role", "user", "content", question)), Map.of());
        StringBuilder text = new StringBuilder();
        CompletableFuture<TokenEvent> last = new CompletableFuture<>();
        variant.submit(
                new GenerationRequest("test", prompt, SamplingOptions.GREEDY, StopCondition.maxTokens(32)), event -> {
                    switch (event) {
                        case TokenEvent.Delta delta -> text.append(delta.text());
                        case TokenEvent.PromptScored _ -> {}
                        case TokenEvent.Finished _, TokenEvent.Failed _ -> last.complete(event);
                    }
                });
        assertThat(last.join()).isInstanceOf(TokenEvent.Finished.class);
        return text.toString();
    }

    @Test
    void measuresAVariantThatLacksTokens() {
        load("demo-half", Optional.of("prune: [{method: vocab, keep: 0.5}]\nevaluate: {tokens: 512}"));
        load("demo-tiny", Optional.of("prune: [{method: vocab, coverage: 0.3}]\nevaluate: {tokens: 512}"));

        settle();

        Measured half = registry.slot("demo-half").measured().orElseThrow();
        Measured tiny = registry.slot("demo-tiny").measured().orElseThrow();
        assertThat(registry.slot("demo-half").state()).isEqualTo(new VariantState.Ready());
        assertThat(half.quality().orElseThrow()).isGreaterThan(tiny.quality().orElseThrow());
        assertThat(tiny.quality().orElseThrow()).isGreaterThan(0.1);
    }

    /// A base has no room in the budget, first where nothing is known of the text, then where it is.
    @Test
    void loadsTheBaseOnlyWhereItsAnswersAreNotKept() throws IOException {
        reopen(new MemoryBudget(0, plan, () -> Long.MAX_VALUE));
        load("a", Optional.of(SHORT));
        settle();
        assertThat(registry.slot("a").state()).isEqualTo(new VariantState.Unmeasured());
        assertThat(teachers()).isEmpty();
        reopen(budget);
        load("a", Optional.of(SHORT));
        settle();
        assertThat(registry.slot("a").state()).isEqualTo(new VariantState.Ready());

        reopen(new MemoryBudget(0, plan, () -> Long.MAX_VALUE));
        load("a", Optional.of(SHORT));
        settle();

        assertThat(registry.slot("a").state()).isEqualTo(new VariantState.Ready());
    }

    /// The second time nothing is measured: measuring has not even begun.
    @Test
    void takesFromALockWhatWasMeasured() throws IOException {
        Optional<Path> good = Optional.of(folder.resolve("good.lock"));
        Optional<Path> bad = Optional.of(folder.resolve("bad.lock"));
        String missed = SHORT.replace("256", "256, gates: {same_top: '>=0.9999'}");
        load("good", SHORT, good);
        load("bad", missed, bad);
        settle();
        Measured first = registry.slot("good").measured().orElseThrow();
        reopen(budget);

        load("good", SHORT, good);
        load("bad", missed, bad);

        assertThat(registry.slot("good").state()).isEqualTo(new VariantState.Ready());
        Measured second = registry.slot("good").measured().orElseThrow();
        assertThat(second.quality()).isEqualTo(first.quality());
        assertThat(Measured.SHOWN)
                .allSatisfy(name -> assertThat(second.figure(name)).isEqualTo(first.figure(name)));
        assertThat(registry.slot("bad").state()).isInstanceOf(VariantState.Quarantined.class);
    }

    @Test
    void measuresWhereALockHasNoFigures() throws IOException {
        Optional<Path> lock = Optional.of(folder.resolve("a.lock"));
        load("a", SHORT, lock);
        assertThat(lock.get()).content().doesNotContain("metrics");
        reopen(budget);

        load("a", SHORT, lock);
        assertThat(registry.slot("a").state()).isEqualTo(new VariantState.Unmeasured());
        settle();

        assertThat(registry.slot("a").state()).isEqualTo(new VariantState.Ready());
        assertThat(lock.get()).content().contains("\"metrics\"", "\"same_top\"");
    }

    @Test
    void freesTheBaseWhenItsVariantGoesWhileItIsRead() {
        load("stays", Optional.of(SHORT));
        measuring.start();
        measuring.settled().join();
        long bytes = store.sizeBytes();
        long taken = budget.takenBytes();
        CompletableFuture<Void> inTheMiddle = new CompletableFuture<>();
        around = work -> new Halfway(work, inTheMiddle);
        load("goes", Optional.of("quantize: int8"));
        inTheMiddle.join();
        assertThat(store.sizeBytes()).isGreaterThan(bytes);

        lifecycle.unload("goes").await();

        assertThat(store.sizeBytes()).isEqualTo(bytes);
        assertThat(budget.takenBytes()).isEqualTo(taken);
        assertThat(registry.get("stays").name()).isEqualTo("stays");
    }

    /// The file is mended after the load, so that its base is sound and the variant is not.
    @Test
    void quarantinesAVariantThatComputesNoNumbers() throws IOException {
        byte[] sound = Files.readAllBytes(DEMO);
        Path file = folder.resolve("broken.gguf");
        overflowing().write(file);
        load("sound", new ModelSource.Embedded(), Optional.of(SHORT));
        load("broken", new ModelSource.Local(file), Optional.empty());
        Files.write(file, sound);

        settle();

        assertThat(registry.slot("broken").state().reason())
                .hasValueSatisfying(reason -> assertThat(reason)
                        .startsWith("could not be measured: the variant's logits: finite numbers expected"));
        assertThat(registry.slot("sound").state()).isEqualTo(new VariantState.Ready());
    }

    /// Weights are finite, what comes of them is not.
    private static GgufWriter overflowing() {
        GgufWriter writer = new GgufWriter();
        try (Checkpoint demo = Checkpoint.open(DEMO)) {
            demo.metadata().values().forEach(writer::put);
            demo.tensors()
                    .values()
                    .forEach(tensor ->
                            writer.tensor(tensor.name().equals("output_norm.weight") ? huge(tensor) : copied(tensor)));
        }
        return writer;
    }

    private static Tensor huge(Tensor tensor) {
        int count = Math.toIntExact(tensor.shape().elements());
        MemorySegment values = MemorySegment.ofArray(new byte[Float.BYTES * count]);
        for (int i = 0; i < count; i++) {
            values.set(ValueLayout.JAVA_FLOAT_UNALIGNED, (long) Float.BYTES * i, Float.MAX_VALUE);
        }
        return new Tensor(tensor.name(), Encoding.F32, tensor.shape(), values);
    }

    private static Tensor copied(Tensor tensor) {
        byte[] bytes = tensor.data().toArray(ValueLayout.JAVA_BYTE);
        return new Tensor(tensor.name(), tensor.encoding(), tensor.shape(), MemorySegment.ofArray(bytes));
    }

    /// Does three units of its work, then says so and does nothing until it is cancelled.
    private static final class Halfway implements BackgroundWork {
        private final BackgroundWork work;
        private final CompletableFuture<Void> reached;
        private int done;

        Halfway(BackgroundWork work, CompletableFuture<Void> reached) {
            this.work = work;
            this.reached = reached;
        }

        @Override
        public boolean isDone() {
            return false;
        }

        @Override
        public void unit() {
            if (done < 3) {
                work.unit();
                done++;
            } else {
                reached.complete(null);
            }
        }

        @Override
        public void close() {
            work.close();
        }
    }

    private void settle() {
        measuring.start();
        measuring.settled().join();
    }

    private List<Path> teachers() throws IOException {
        Path kept = folder.resolve("measure");
        if (!Files.exists(kept)) {
            return List.of();
        }
        try (Stream<Path> files = Files.list(kept)) {
            return files.toList();
        }
    }

    private void load(String name, Optional<String> recipe) {
        load(name, new ModelSource.Embedded(), recipe);
    }

    private void load(String name, String recipe, Optional<Path> lock) {
        load(
                new ModelSource.Embedded(),
                new VariantDeclaration(name, Optional.of(Recipe.parse(name, recipe))).locked(lock));
    }

    private void load(String name, ModelSource source, Optional<String> recipe) {
        load(source, new VariantDeclaration(name, recipe.map(text -> Recipe.parse(name, text))));
    }

    private void load(ModelSource source, VariantDeclaration variant) {
        lifecycle
                .load(new VariantOrder("demo", source, Backend.TRIMTAB, variant))
                .await();
    }
}
