package dev.trimtab.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.checkpoint.GgufWriter;
import dev.trimtab.checkpoint.hub.HubOptions;
import dev.trimtab.engine.EngineListener;
import dev.trimtab.engine.EngineOptions;
import dev.trimtab.engine.FinishReason;
import dev.trimtab.engine.Generation;
import dev.trimtab.engine.GenerationRequest;
import dev.trimtab.engine.SamplingOptions;
import dev.trimtab.engine.SequenceReport;
import dev.trimtab.engine.StopCondition;
import dev.trimtab.engine.TokenEvent;
import dev.trimtab.engine.TokenSink;
import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.BadConfiguration;
import dev.trimtab.error.InvalidRequest;
import dev.trimtab.error.Overloaded;
import dev.trimtab.model.ModelLoader;
import dev.trimtab.oracle.LlamaCpp;
import dev.trimtab.tokenizer.Tokenizer;
import dev.trimtab.variant.Backend;
import dev.trimtab.variant.ModelDeclaration;
import dev.trimtab.variant.ModelSource;
import dev.trimtab.variant.Prompts;
import dev.trimtab.variant.Variant;
import dev.trimtab.variant.VariantLoader;
import dev.trimtab.variant.VariantRegistry;
import dev.trimtab.variant.llamacpp.LlamaBackend;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/// The embedded model behind both backends of one process: the same questions, the same answers.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class LlamaBackendTest {
    private static final Path DEMO = Path.of("src/main/resources/models/demo.gguf");
    private static final int QUESTIONS = 60;

    private final VariantRegistry registry = new VariantRegistry();
    private final BlockingQueue<SequenceReport> reports = new LinkedBlockingQueue<>();
    private Serving serving;

    @TempDir
    private Path folder;

    @BeforeAll
    void start() {
        List<ModelDeclaration> models = List.of(
                new ModelDeclaration("ours", new ModelSource.Local(DEMO)),
                new ModelDeclaration("llama", new ModelSource.Local(DEMO), Backend.LLAMA_CPP));
        serving = Serving.start(options(models, Optional.empty()), registry, this::listener, (_, _) -> {});
    }

    @AfterAll
    void stop() {
        serving.close();
    }

    private static ServingOptions options(List<ModelDeclaration> models, Optional<Path> library) {
        EngineOptions engine = new EngineOptions(16, 128, 256);
        VariantLoader.Options variants =
                new VariantLoader.Options(ModelLoader.Options.SERVING, engine, new LlamaBackend.Options(library, 1));
        HubOptions hub = new HubOptions(HubOptions.HUGGING_FACE, Optional.empty(), Path.of("unused"), HubOptions.STALL);
        return new ServingOptions(models, variants, 1, OptionalLong.empty(), hub, ServingOptions.Lifecycle.DEFAULTS);
    }

    private EngineListener listener(String model) {
        if (!model.equals("llama")) {
            return EngineListener.NONE;
        }
        return new EngineListener() {
            @Override
            public void finished(SequenceReport report) {
                reports.add(report);
            }
        };
    }

    @Test
    void answersManyQuestionsAtOnceAsOurOwnEngineDoes() throws IOException {
        List<String> ours = new ArrayList<>();
        List<String> theirs = new ArrayList<>();

        List<Collected> oursRunning = new ArrayList<>();
        List<Collected> theirsRunning = new ArrayList<>();
        for (String question : questions()) {
            oursRunning.add(ask("ours", question, SamplingOptions.GREEDY, StopCondition.maxTokens(64)));
            theirsRunning.add(ask("llama", question, SamplingOptions.GREEDY, StopCondition.maxTokens(64)));
        }
        oursRunning.forEach(answer -> ours.add(answer.text()));
        theirsRunning.forEach(answer -> theirs.add(answer.text()));

        assertThat(theirs).hasSize(QUESTIONS).isEqualTo(ours);
    }

    @Test
    void countsTokensAndReportsThemAsTheEngineDoes() throws InterruptedException {
        Collected ours = ask("ours", "What is 7 * 9?", SamplingOptions.GREEDY, StopCondition.maxTokens(64));
        Collected theirs = ask("llama", "What is 7 * 9?", SamplingOptions.GREEDY, StopCondition.maxTokens(64));

        assertThat(theirs.text()).isEqualTo(ours.text());
        assertThat(theirs.finished().reason()).isEqualTo(FinishReason.STOP);
        assertThat(theirs.finished().usage().promptTokens())
                .isEqualTo(ours.finished().usage().promptTokens());
        assertThat(theirs.finished().usage().completionTokens())
                .isEqualTo(ours.finished().usage().completionTokens());
        assertThat(theirs.tokens()).isEqualTo(theirs.finished().usage().completionTokens());
        // The report comes after the last event, and those of other tests may come before it.
        SequenceReport report = reports.take();
        while (!report.usage().equals(theirs.finished().usage())) {
            report = reports.take();
        }
        assertThat(report.reason()).contains(FinishReason.STOP);
        assertThat(report.ttftNanos()).isPositive();
    }

    @Test
    void takesSamplingOptionsStopStringsAndLogprobs() {
        SamplingOptions biased =
                new SamplingOptions(0.8f, 40, 0.9f, 0.05f, 1.1f, 0.1f, 0.1f, Map.of(5, -100f), OptionalLong.of(7));

        String once = ask("llama", "What is 7 * 9?", biased, StopCondition.maxTokens(16))
                .text();
        String again = ask("llama", "What is 7 * 9?", biased, StopCondition.maxTokens(16))
                .text();
        Collected stopped = ask(
                "llama",
                "What is the capital of Norway?",
                SamplingOptions.GREEDY,
                new StopCondition(64, List.of(" is"), Set.of(), false));

        Collected measured = new Collected(
                registry.get("llama"),
                new GenerationRequest(
                        "test",
                        new int[] {1, 2, 3},
                        SamplingOptions.GREEDY,
                        new StopCondition(4, List.of(), Set.of(), true),
                        "",
                        2));

        assertThat(again).isEqualTo(once);
        assertThat(measured.finished().usage().completionTokens()).isEqualTo(measured.logprobs.size());
        assertThat(measured.logprobs).isNotEmpty().allSatisfy(logprobs -> {
            assertThat(logprobs.top()).hasSize(2);
            assertThat(logprobs.chosen()).isEqualTo(logprobs.top().getFirst());
            assertThat(logprobs.chosen().logprob()).isNegative();
        });
        assertThat(stopped.text()).isEqualTo("The capital of Norway");
        assertThat(stopped.finished().reason()).isEqualTo(FinishReason.STOP);
    }

    @Test
    void servesAFamilyThatOurKernelsDoNot() {
        Path file = folder.resolve("exaone.gguf");
        writeDemoAs("exaone", file);
        int[] prompt = {1, 17, 300, 512, 44, 9};
        List<ModelDeclaration> models =
                List.of(new ModelDeclaration("exaone", new ModelSource.Local(file), Backend.LLAMA_CPP));

        String expected;
        try (LlamaCpp oracle = LlamaCpp.open(file, 64);
                Checkpoint checkpoint = Checkpoint.open(file)) {
            expected = Tokenizer.of(checkpoint.metadata()).decode(oracle.greedy(prompt, 24));
        }
        String found;
        try (Serving brief = Serving.start(
                options(models, Optional.empty()), new VariantRegistry(), _ -> EngineListener.NONE, (_, _) -> {})) {
            found = submit(brief.registry().get("exaone"), prompt, new StopCondition(24, List.of(), Set.of(), true))
                    .text();
        }

        assertThat(found).isNotBlank().isEqualTo(expected);
    }

    /// The embedded model's weights under the name of a family that shares its tensors' names and turns its
    /// rotary pairs otherwise: another model, whose text means nothing.
    private static void writeDemoAs(String family, Path file) {
        try (Checkpoint demo = Checkpoint.open(DEMO)) {
            GgufWriter writer = new GgufWriter();
            demo.metadata().values().forEach((key, value) -> {
                if (!key.equals("general.alignment")) {
                    writer.put(key.replaceFirst("^llama\\.", family + "."), value);
                }
            });
            writer.text("general.architecture", family);
            demo.tensors().values().forEach(writer::tensor);
            writer.write(file);
        }
    }

    @Test
    void cancelledSequencesEndAndLeaveRoomForOthers() {
        Collected endless = ask(
                "llama",
                "What is 7 * 9?",
                SamplingOptions.GREEDY,
                new StopCondition(10_000, List.of(), Set.of(), true));
        endless.awaitFirst();

        endless.generation.cancel();

        assertThat(endless.finished().reason()).isEqualTo(FinishReason.CANCELLED);
        assertThat(ask("llama", "What is 7 * 9?", SamplingOptions.GREEDY, StopCondition.maxTokens(64))
                        .text())
                .isEqualTo("7 * 9 = 63");
    }

    @Test
    void refusesPromptsAndTokensOutsideTheModel() {
        Variant llama = registry.get("llama");

        assertThat(llama.contextLength()).isEqualTo(1_024);
        assertThatThrownBy(() -> submit(llama, new int[1_024], StopCondition.maxTokens(1)))
                .isInstanceOf(InvalidRequest.class);
        assertThatThrownBy(() -> submit(llama, new int[] {999_999}, StopCondition.maxTokens(1)))
                .isInstanceOf(InvalidRequest.class);
    }

    @Test
    void unloadingFailsWhatRunsAndRefusesMore() {
        VariantRegistry own = new VariantRegistry();
        List<ModelDeclaration> models =
                List.of(new ModelDeclaration("llama", new ModelSource.Local(DEMO), Backend.LLAMA_CPP));
        Serving brief = Serving.start(options(models, Optional.empty()), own, _ -> EngineListener.NONE, (_, _) -> {});
        Variant variant = own.get("llama");
        Collected endless = submit(variant, new int[] {1, 2, 3}, new StopCondition(900, List.of(), Set.of(), true));
        endless.awaitFirst();

        brief.close();

        assertThat(endless.last.join())
                .satisfiesAnyOf(
                        last -> assertThat(last).isInstanceOf(TokenEvent.Failed.class),
                        last -> assertThat(last).isInstanceOf(TokenEvent.Finished.class));
        assertThatThrownBy(() -> submit(variant, new int[] {1}, StopCondition.maxTokens(1)))
                .isInstanceOf(Overloaded.class);
    }

    @Test
    void refusesFilesThatAreNoModelBeforeLlamaCppSeesThem() throws IOException {
        Path broken = folder.resolve("broken.gguf");
        byte[] bytes = Files.readAllBytes(DEMO);
        Files.write(broken, Arrays.copyOf(bytes, bytes.length / 2));

        assertThatThrownBy(() -> startWith(new ModelSource.Local(broken), Optional.empty()))
                .isInstanceOf(BadCheckpoint.class);
        assertThatThrownBy(() -> startWith(new ModelSource.Embedded(), Optional.empty()))
                .isInstanceOf(BadConfiguration.class)
                .hasMessageContaining("needs a GGUF file");
    }

    @Test
    void saysWhatToAddWhenTheLibraryIsMissing() {
        Path jar = folder.resolve("none.jar");
        Path library = folder.resolve("libnone.so");

        assertThatThrownBy(() -> startWith(new ModelSource.Local(DEMO), Optional.of(jar)))
                .isInstanceOf(BadConfiguration.class)
                .hasMessageContaining("none.jar");
        assertThatThrownBy(() -> startWith(new ModelSource.Local(DEMO), Optional.of(library)))
                .isInstanceOf(BadConfiguration.class)
                .hasMessageContaining("libnone.so");
    }

    private void startWith(ModelSource source, Optional<Path> library) {
        List<ModelDeclaration> models = List.of(new ModelDeclaration("other", source, Backend.LLAMA_CPP));
        Serving.start(options(models, library), new VariantRegistry(), _ -> EngineListener.NONE, (_, _) -> {})
                .close();
    }

    private static List<String> questions() throws IOException {
        ObjectMapper json = new ObjectMapper();
        List<String> questions = new ArrayList<>();
        for (String line : Files.readAllLines(Path.of("src/test/resources/demo/eval.jsonl"))
                .subList(0, QUESTIONS)) {
            JsonNode question = json.readTree(line);
            questions.add(question.path("prompt").asText());
        }
        return questions;
    }

    private Collected ask(String model, String question, SamplingOptions sampling, StopCondition stop) {
        Variant variant = registry.get(model);
        int[] prompt = Prompts.chat(variant, List.of(Map.of("role", "user", "content", question)), Map.of());
        return new Collected(variant, new GenerationRequest("test", prompt, sampling, stop));
    }

    private static Collected submit(Variant variant, int[] prompt, StopCondition stop) {
        return new Collected(variant, new GenerationRequest("test", prompt, SamplingOptions.GREEDY, stop));
    }

    /// The events of one sequence.
    private static final class Collected implements TokenSink {
        // Of the engine's thread until the last event.
        private final StringBuilder text = new StringBuilder();
        private final CompletableFuture<TokenEvent> last = new CompletableFuture<>();
        private final CountDownLatch first = new CountDownLatch(1);
        private final Generation generation;
        private final List<TokenEvent.Logprobs> logprobs = new ArrayList<>();
        private int tokens;

        Collected(Variant variant, GenerationRequest request) {
            generation = variant.submit(request, this);
        }

        @Override
        public void accept(TokenEvent event) {
            switch (event) {
                case TokenEvent.Delta delta -> {
                    text.append(delta.text());
                    tokens += delta.tokens();
                    logprobs.addAll(delta.logprobs());
                    first.countDown();
                }
                case TokenEvent.PromptScored _ -> {}
                case TokenEvent.Finished _, TokenEvent.Failed _ -> last.complete(event);
            }
        }

        void awaitFirst() {
            try {
                first.await();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        }

        TokenEvent.Finished finished() {
            return (TokenEvent.Finished) last.join();
        }

        String text() {
            finished();
            return text.toString();
        }

        int tokens() {
            finished();
            return tokens;
        }
    }
}
