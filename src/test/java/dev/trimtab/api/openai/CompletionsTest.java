package dev.trimtab.api.openai;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trimtab.api.BareServer;
import dev.trimtab.api.FakeVariant;
import dev.trimtab.api.RawClient;
import dev.trimtab.api.http.RequestReport;
import dev.trimtab.engine.FinishReason;
import dev.trimtab.engine.GenerationRequest;
import dev.trimtab.engine.SamplingOptions;
import dev.trimtab.engine.SamplingOptions.Field;
import dev.trimtab.engine.StopCondition;
import dev.trimtab.variant.SamplingDefaults;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

final class CompletionsTest {
    private static final String FINGERPRINT = AnswerHead.fingerprint(new FakeVariant("demo"));

    private BareServer server;

    @BeforeEach
    void start() {
        server = BareServer.start();
    }

    @AfterEach
    void stop() {
        server.close();
    }

    @Test
    void answersAChatInOneBody() throws Exception {
        RawClient.Answer answer = chat("\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}],\"max_tokens\":2");

        int promptTokens = 3 + "user\nHi\nassistant\n".length(); // three control tokens and the text between them
        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.header("content-type")).isEqualTo("application/json");
        assertThat(answer.body())
                .isEqualTo("{\"id\":\"chatcmpl-2\",\"object\":\"chat.completion\",\"created\":1700000000,"
                        + "\"model\":\"demo\","
                        + "\"system_fingerprint\":\"" + FINGERPRINT
                        + "\",\"choices\":[{\"index\":0,\"message\":"
                        + "{\"role\":\"assistant\",\"content\":\"The capital\",\"refusal\":null},"
                        + "\"logprobs\":null,"
                        + "\"finish_reason\":\"length\"}],\"usage\":{\"prompt_tokens\":" + promptTokens
                        + ",\"completion_tokens\":2,\"total_tokens\":" + (promptTokens + 2)
                        + ",\"prompt_tokens_details\":{\"cached_tokens\":0}}}");
    }

    @Test
    void rendersTheChatThroughTheTemplate() throws Exception {
        chat("\"messages\":[{\"role\":\"developer\",\"content\":\"Be brief\"},{\"role\":\"user\",\"content\":"
                + "[{\"type\":\"text\",\"text\":\"one\"},{\"type\":\"text\",\"text\":\"two\"}]}]");

        assertThat(prompt(server.nextSubmission().request())).isEqualTo("""
                        <|im_start|>system
                        Be brief<|im_end|>
                        <|im_start|>user
                        one
                        two<|im_end|>
                        <|im_start|>assistant
                        """);
    }

    @Test
    void generatesToTheEndOfTheContextUnlessTold() throws Exception {
        chat("\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]");

        GenerationRequest request = server.nextSubmission().request();
        assertThat(request.stop().maxTokens()).isEqualTo(FakeVariant.CONTEXT_LENGTH - request.prompt().length);
    }

    @Test
    void passesOnEverySamplingField() throws Exception {
        server.variant().script(submission -> submission.finish(FinishReason.STOP));

        text("\"prompt\":\"x\",\"max_tokens\":7,\"temperature\":0.5,\"top_k\":40,\"top_p\":0.9,\"min_p\":0.1,"
                + "\"repetition_penalty\":1.1,\"presence_penalty\":-1,\"frequency_penalty\":0.25,\"seed\":-5,"
                + "\"logit_bias\":{\"65\":2,\"66\":-100},\"stop\":[\"a\",\"b\"],\"stop_token_ids\":[1,2],"
                + "\"ignore_eos\":true,\"user\":\"somebody\",\"anything\":{\"else\":1}");

        GenerationRequest request = server.nextSubmission().request();
        assertThat(request.sampling())
                .isEqualTo(new SamplingOptions(
                        0.5f, 40, 0.9f, 0.1f, 1.1f, -1, 0.25f, Map.of(65, 2f, 66, -100f), OptionalLong.of(-5)));
        assertThat(request.stop()).isEqualTo(new StopCondition(7, List.of("a", "b"), Set.of(1, 2), true));
    }

    @Test
    void usesOpenAisDefaults() throws Exception {
        text("\"prompt\":\"x\",\"top_k\":-1,\"stop\":null,\"seed\":null,\"n\":null,\"stream\":null");

        GenerationRequest request = server.nextSubmission().request();
        assertThat(request.sampling())
                .isEqualTo(new SamplingOptions(1, 0, 1, 0, 1, 0, 0, Map.of(), OptionalLong.empty()));
        assertThat(request.stop()).isEqualTo(StopCondition.maxTokens(16));
    }

    @Test
    void takesTheModelsAdviceForWhatIsLeftOut() throws Exception {
        server.variant()
                .advising(new SamplingDefaults(Map.of(
                        Field.TEMPERATURE, 0.6f,
                        Field.TOP_K, 20f,
                        Field.TOP_P, 0.95f,
                        Field.MIN_P, 0.05f,
                        Field.REPETITION_PENALTY, 1.05f)));

        text("\"prompt\":\"x\"");
        text("\"prompt\":\"x\",\"temperature\":0,\"top_k\":-1,\"top_p\":null,\"min_p\":0");

        assertThat(server.nextSubmission().request().sampling())
                .isEqualTo(new SamplingOptions(0.6f, 20, 0.95f, 0.05f, 1.05f, 0, 0, Map.of(), OptionalLong.empty()));
        assertThat(server.nextSubmission().request().sampling())
                .isEqualTo(new SamplingOptions(0, 0, 0.95f, 0, 1.05f, 0, 0, Map.of(), OptionalLong.empty()));
    }

    @Test
    void answersAPromptSeveralTimesWithSeedsInARow() throws Exception {
        RawClient.Answer answer = text("\"prompt\":\"ab\",\"max_tokens\":1,\"n\":2,\"seed\":7");

        assertThat(server.nextSubmission().request().sampling().seed()).hasValue(7);
        assertThat(server.nextSubmission().request().sampling().seed()).hasValue(8);
        assertThat(answer.body())
                .contains("\"choices\":[{\"index\":0,\"text\":\"The\",\"logprobs\":null,\"finish_reason\":\"length\"},"
                        + "{\"index\":1,\"text\":\"The\",\"logprobs\":null,\"finish_reason\":\"length\"}]")
                .contains("\"prompt_tokens\":2,\"completion_tokens\":2,\"total_tokens\":4");
    }

    @Test
    void writesLogProbabilitiesOfText() throws Exception {
        server.variant().script(submission -> {
            submission.scorePrompt();
            submission.emit("c€");
            submission.finish(FinishReason.STOP);
        });

        RawClient.Answer answer = text("\"prompt\":\"abd\",\"echo\":true,\"logprobs\":1");

        assertThat(answer.body())
                .contains("\"text\":\"abdc€\",\"logprobs\":{"
                        + "\"tokens\":[\"a\",\"b\",\"d\",\"c\",\"bytes:\\\\xe2\",\"bytes:\\\\x82\",\"bytes:\\\\xac\"],"
                        + "\"token_logprobs\":[null,-2.0,-2.0,-0.5,-0.5,-0.5,-0.5],"
                        + "\"top_logprobs\":[null,{\"b\":-2.0},{\"d\":-2.0},{\"c\":-0.5},{\"bytes:\\\\xe2\":-0.5},"
                        + "{\"bytes:\\\\x82\":-0.5},{\"bytes:\\\\xac\":-0.5}],"
                        + "\"text_offset\":[0,1,2,3,4,4,4]},\"finish_reason\":\"stop\"");
    }

    @Test
    void writesLogProbabilitiesOfAChat() throws Exception {
        server.variant().script(submission -> {
            submission.emit("c", Float.NEGATIVE_INFINITY);
            submission.finish(FinishReason.STOP);
        });

        RawClient.Answer answer = chat(
                "\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}],\"logprobs\":true,\"cache_salt\":\"tenant\"");

        assertThat(server.nextSubmission().request().cacheSalt()).isEqualTo("tenant");
        assertThat(answer.body())
                .contains("\"logprobs\":{\"content\":[{\"token\":\"c\",\"logprob\":-9999.0,\"bytes\":[99],"
                        + "\"top_logprobs\":[]}],\"refusal\":null}");
    }

    @Test
    void sendsTheBestByMeanLogProbability() throws Exception {
        AtomicInteger count = new AtomicInteger();
        server.variant().script(submission -> {
            int index = count.getAndIncrement();
            submission.emit("x".repeat(index + 1), index == 1 ? -0.1f : -1f - index);
            submission.finish(FinishReason.STOP);
        });

        RawClient.Answer answer = text("\"prompt\":\"a\",\"n\":2,\"best_of\":3");

        assertThat(answer.body())
                .contains("\"choices\":[{\"index\":0,\"text\":\"xx\",\"logprobs\":null,\"finish_reason\":\"stop\"},"
                        + "{\"index\":1,\"text\":\"x\",\"logprobs\":null,\"finish_reason\":\"stop\"}]")
                .contains("\"prompt_tokens\":1,\"completion_tokens\":3,\"total_tokens\":4");
    }

    @Test
    void echoesThePromptOfEachStreamedChoice() throws Exception {
        RawClient.Answer answer = text("\"prompt\":[\"ab\",[99]],\"echo\":true,\"max_tokens\":1,\"stream\":true");

        assertThat(answer.body())
                .contains("\"index\":0,\"text\":\"ab\"", "\"index\":1,\"text\":\"c\"", "\"text\":\"The\"");
    }

    @Test
    void answersSeveralPromptsInOrder() throws Exception {
        server.variant().script(submission -> {
            submission.emit(prompt(submission.request()).toUpperCase(Locale.ROOT));
            submission.finish(FinishReason.STOP);
        });

        RawClient.Answer answer = text("\"prompt\":[\"ab\",[99,100],\"e\"]");

        assertThat(answer.body())
                .contains("{\"index\":0,\"text\":\"AB\"", "{\"index\":1,\"text\":\"CD\"", "{\"index\":2,\"text\":\"E\"")
                .contains("\"prompt_tokens\":5,\"completion_tokens\":3");
    }

    @Test
    void takesTokenIdsAsPrompt() throws Exception {
        text("\"prompt\":[104,105,258]");

        assertThat(server.nextSubmission().request().prompt()).containsExactly(104, 105, 258);
    }

    @Test
    void streamsTextChunksOfSeveralChoices() throws Exception {
        server.variant().script(FakeVariant.SILENT);

        try (RawClient client = new RawClient(server.port())) {
            client.send(
                    RawClient.post("/v1/completions", "{\"model\":\"demo\",\"prompt\":\"x\",\"n\":2,\"stream\":true}"));
            FakeVariant.Submission first = server.nextSubmission();
            FakeVariant.Submission second = server.nextSubmission();
            second.emit("b");
            first.emit("a");
            first.finish(FinishReason.STOP);
            second.finish(FinishReason.LENGTH);
            RawClient.Answer answer = client.readToEnd();

            assertThat(answer.body().replaceAll("\"id.*?choices\":", "")).isEqualTo("""
                            data: {[{"index":1,"text":"b","logprobs":null,"finish_reason":null}]}

                            data: {[{"index":0,"text":"a","logprobs":null,"finish_reason":null}]}

                            data: {[{"index":0,"text":"","logprobs":null,"finish_reason":"stop"}]}

                            data: {[{"index":1,"text":"","logprobs":null,"finish_reason":"length"}]}

                            data: [DONE]

                            """);
        }
    }

    @Test
    void handsLongPromptsToAWorker() throws Exception {
        text("\"prompt\":\"" + "x".repeat(5_000) + "\",\"max_tokens\":1");
        text("\"prompt\":\"" + "x".repeat(4_000) + "\",\"max_tokens\":1");

        assertThat(server.nextSubmission().request().prompt()).hasSize(4_000);
        assertThat(server.nextReport().status()).isEqualTo(400);
        assertThat(server.nextReport().status()).isEqualTo(200);
    }

    @Test
    void cancelsAWholeAnswerNobodyWaitsFor() throws Exception {
        server.variant().script(FakeVariant.SILENT);
        FakeVariant.Submission submission;

        try (RawClient client = new RawClient(server.port())) {
            client.send(RawClient.post("/v1/completions", "{\"model\":\"demo\",\"prompt\":\"x\"}"));
            submission = server.nextSubmission();
        }

        submission.cancelled().get(10, TimeUnit.SECONDS);
        assertThat(server.nextReport().status()).isEqualTo(RequestReport.CLIENT_GONE);
    }

    @Test
    void reportsWhatItTook() throws Exception {
        text("\"prompt\":\"abc\",\"max_tokens\":2");

        RequestReport report = server.nextReport();
        assertThat(report.endpoint()).isEqualTo("/v1/completions");
        assertThat(report.operation()).hasValue("text_completion");
        assertThat(report.model()).hasValue("demo");
        assertThat(report.promptTokens()).isEqualTo(3);
        assertThat(report.completionTokens()).isEqualTo(2);
        assertThat(report.durationNanos()).isPositive();
    }

    private RawClient.Answer chat(String fields) throws Exception {
        return RawClient.exchange(
                server.port(), RawClient.post("/v1/chat/completions", "{\"model\":\"demo\"," + fields + "}"));
    }

    private RawClient.Answer text(String fields) throws Exception {
        return RawClient.exchange(
                server.port(), RawClient.post("/v1/completions", "{\"model\":\"demo\"," + fields + "}"));
    }

    private static String prompt(GenerationRequest request) {
        StringBuilder text = new StringBuilder();
        for (int id : request.prompt()) {
            text.append(
                    switch (id) {
                        case 257 -> "<|im_start|>";
                        case 258 -> "<|im_end|>";
                        default -> new String(new byte[] {(byte) id}, StandardCharsets.ISO_8859_1);
                    });
        }
        return text.toString();
    }
}
