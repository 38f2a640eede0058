package dev.trimtab.api.openai;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trimtab.api.BareServer;
import dev.trimtab.api.FakeVariant;
import dev.trimtab.api.RawClient;
import dev.trimtab.engine.FinishReason;
import dev.trimtab.error.Internal;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

final class StreamTest {
    private static final String HELLO = "\"model\":\"demo\",\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}]";
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
    void streamsAChatByteForByteAsOpenAiDoes() throws Exception {
        server.variant().script(submission -> {
            submission.emit("Hi");
            submission.emit(" \"you\"\n\u00e9\ud83d\ude00");
            submission.finish(FinishReason.STOP);
        });

        RawClient.Answer answer = RawClient.exchange(
                server.port(),
                RawClient.post("/v1/chat/completions", "{" + HELLO + ",\"stream\":true}", "X-Request-Id: r1"));

        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.header("content-type")).isEqualTo("text/event-stream; charset=utf-8");
        assertThat(answer.header("cache-control")).isEqualTo("no-cache");
        assertThat(answer.header("x-request-id")).isEqualTo("r1");
        assertThat(answer.body())
                .isEqualTo(chunk("{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},"
                                + "\"logprobs\":null,\"finish_reason\":null}")
                        + chunk("{\"index\":0,\"delta\":{\"content\":\"Hi\"},\"logprobs\":null,\"finish_reason\":null}")
                        + chunk("{\"index\":0,\"delta\":{\"content\":\" \\\"you\\\"\\n\u00e9\ud83d\ude00\"},"
                                + "\"logprobs\":null,\"finish_reason\":null}")
                        + chunk("{\"index\":0,\"delta\":{},\"logprobs\":null,\"finish_reason\":\"stop\"}")
                        + "data: [DONE]\n\n");
    }

    @Test
    void endsWithTheUsageWhenAskedTo() throws Exception {
        String body = "{" + HELLO + ",\"stream\":true,\"max_tokens\":2,\"stream_options\":{\"include_usage\":true}}";

        RawClient.Answer answer = RawClient.exchange(server.port(), RawClient.post("/v1/chat/completions", body));

        String[] events = answer.body().split("\n\n");
        int promptTokens = server.nextSubmission().request().prompt().length;
        assertThat(events).hasSize(6);
        assertThat(events[0]).endsWith("\"finish_reason\":null}],\"usage\":null}");
        assertThat(events[3]).endsWith("\"finish_reason\":\"length\"}],\"usage\":null}");
        assertThat(events[4])
                .endsWith("\"choices\":[],\"usage\":{\"prompt_tokens\":" + promptTokens
                        + ",\"completion_tokens\":2,\"total_tokens\":" + (promptTokens + 2)
                        + ",\"prompt_tokens_details\":{\"cached_tokens\":0}}}");
        assertThat(events[5]).isEqualTo("data: [DONE]");
    }

    @Test
    void cancelsTheSequenceWhenTheClientGoesAway() throws Exception {
        server.variant().script(FakeVariant.SILENT);
        FakeVariant.Submission submission;

        try (RawClient client = new RawClient(server.port())) {
            client.send(RawClient.post("/v1/chat/completions", "{" + HELLO + ",\"stream\":true}"));
            submission = server.nextSubmission();
            submission.emit("Hi");
            client.readUntil("Hi");
        }

        submission.cancelled().get(10, TimeUnit.SECONDS);
        assertThat(server.nextReport().status()).isEqualTo(499);
    }

    @Test
    void endsAStreamThatFailsWithOneErrorEventAndNoDone() throws Exception {
        server.variant().script(FakeVariant.SILENT);

        try (RawClient client = new RawClient(server.port())) {
            client.send(RawClient.post("/v1/chat/completions", "{" + HELLO + ",\"stream\":true}"));
            FakeVariant.Submission submission = server.nextSubmission();
            submission.emit("Hi");
            client.readUntil("Hi");
            submission.fail(new Internal("secret"));
            String rest = client.readUntil("0\r\n\r\n");

            assertThat(rest)
                    .contains("data: {\"error\":{\"message\":\"an error of the server; the log has it under this "
                            + "request id\","
                            + "\"type\":\"server_error\",\"param\":null,\"code\":null}}\n\n")
                    .doesNotContain("[DONE]")
                    .doesNotContain("secret");
        }
    }

    private static String chunk(String choice) {
        return "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,"
                + "\"model\":\"demo\","
                + "\"system_fingerprint\":\"" + FINGERPRINT + "\",\"choices\":[" + choice + "]}\n\n";
    }
}
