package dev.trimtab.api.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trimtab.api.BareServer;
import dev.trimtab.api.FakeVariant;
import dev.trimtab.api.RawClient;
import dev.trimtab.engine.FinishReason;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

final class LimitsTest {
    private static final String HELLO = "\"model\":\"demo\",\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}]";

    @Test
    void refusesABodyThatSaysItIsTooLarge() throws Exception {
        try (BareServer server = BareServer.start(limited(1_000, Duration.ofSeconds(30)))) {
            RawClient.Answer answer = RawClient.exchange(
                    server.port(), RawClient.post("/v1/completions", "{\"prompt\":\"" + "x".repeat(1_000) + "\"}"));

            assertThat(answer.status()).isEqualTo(413);
            assertThat(answer.body()).contains("at most 1000 bytes");
        }
    }

    @Test
    void refusesABodyThatTurnsOutTooLarge() throws Exception {
        String head = RawClient.get("/v1/completions", "Host: localhost", "Transfer-Encoding: chunked")
                .replaceFirst("GET", "POST");

        try (BareServer server = BareServer.start(limited(1_000, Duration.ofSeconds(30)));
                RawClient client = new RawClient(server.port())) {
            client.send(head);
            for (int i = 0; i < 20; i++) {
                client.send("64\r\n" + "x".repeat(100) + "\r\n");
            }
            client.send("0\r\n\r\n");
            RawClient.Answer answer = client.readToEnd();

            assertThat(answer.status()).isEqualTo(413);
        }
    }

    @Test
    void refusesABodyThatDoesNotArrive() throws Exception {
        try (BareServer server = BareServer.start(limited(1_000, Duration.ofMillis(50)));
                RawClient client = new RawClient(server.port())) {
            client.send("POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n{");
            RawClient.Answer answer = client.readToEnd();

            assertThat(answer.status()).isEqualTo(408);
            assertThat(answer.body()).contains("request_timeout");
        }
    }

    @Test
    void refusesCompressedBodies() throws Exception {
        try (BareServer server = BareServer.start()) {
            RawClient.Answer answer = RawClient.exchange(
                    server.port(), RawClient.post("/v1/completions", "{}", "Content-Encoding: gzip"));

            assertThat(answer.status()).isEqualTo(400);
            assertThat(answer.body()).contains("content-encoding");
        }
    }

    @Test
    void tellsWhoAsksFirstToContinue() throws Exception {
        String body = "{\"model\":\"demo\",\"prompt\":\"x\"}";

        try (BareServer server = BareServer.start();
                RawClient client = new RawClient(server.port())) {
            client.send(RawClient.post("/v1/completions", body, "Expect: 100-continue")
                    .replace(body, ""));
            client.readUntil("100 Continue\r\n\r\n");
            client.send(body);

            assertThat(client.readToEnd().status()).isEqualTo(200);
        }
    }

    @Test
    void shedsBeyondTheMostRequestsInFlightButNotProbes() throws Exception {
        try (BareServer server = BareServer.start(inFlight(1));
                RawClient first = new RawClient(server.port())) {
            server.variant().script(FakeVariant.SILENT);
            first.send(RawClient.post("/v1/chat/completions", "{" + HELLO + "}"));
            server.nextSubmission();

            RawClient.Answer second =
                    RawClient.exchange(server.port(), RawClient.post("/v1/chat/completions", "{" + HELLO + "}"));
            RawClient.Answer probe = RawClient.exchange(server.port(), RawClient.get("/health/live"));

            assertThat(second.status()).isEqualTo(503);
            assertThat(second.header("x-trimtab-drop-reason")).isEqualTo("requests_full");
            assertThat(second.header("retry-after")).isEqualTo("1");
            assertThat(server.nextReport().dropReason()).hasValue("requests_full");
            assertThat(probe.status()).isEqualTo(200);
        }
    }

    @Test
    void cutsAClientThatDoesNotReadAndFreesItsSequence() throws Exception {
        ApiOptions.Limits limits = new ApiOptions.Limits(
                1 << 20,
                1 << 20,
                16,
                4_096,
                Duration.ofSeconds(30),
                Duration.ofMillis(100),
                Duration.ofSeconds(15),
                64 << 20);

        try (BareServer server = BareServer.start(ApiOptions.DEFAULTS.with(limits));
                RawClient client = new RawClient(server.port())) {
            server.variant().script(FakeVariant.SILENT);
            client.send(RawClient.post("/v1/chat/completions", "{" + HELLO + ",\"stream\":true}"));
            FakeVariant.Submission submission = server.nextSubmission();
            String text = "x".repeat(10_000);
            for (int i = 0; i < 2_000; i++) { // more than the sockets' buffers take
                submission.emit(text);
            }

            submission.cancelled().get(10, TimeUnit.SECONDS);
            assertThat(server.nextReport().status()).isEqualTo(RequestReport.CLIENT_GONE);
        }
    }

    @Test
    void cutsAStreamWhoseBacklogGrowsTooLong() throws Exception {
        ApiOptions.Limits limits = new ApiOptions.Limits(
                1 << 20,
                1 << 20,
                16,
                4_096,
                Duration.ofSeconds(30),
                Duration.ofSeconds(30),
                Duration.ofSeconds(15),
                1 << 20);

        try (BareServer server = BareServer.start(ApiOptions.DEFAULTS.with(limits));
                RawClient client = new RawClient(server.port())) {
            server.variant().script(FakeVariant.SILENT);
            client.send(RawClient.post("/v1/chat/completions", "{" + HELLO + ",\"stream\":true}"));
            FakeVariant.Submission submission = server.nextSubmission();
            String text = "x".repeat(10_000);
            for (int i = 0; i < 2_000 && !submission.cancelled().isDone(); i++) {
                submission.emit(text);
            }

            submission.cancelled().get(10, TimeUnit.SECONDS);
        }
    }

    @Test
    void losesNothingOfAStreamThatIsReadLate() throws Exception {
        try (BareServer server = BareServer.start(inFlight(16));
                RawClient client = new RawClient(server.port())) {
            server.variant().script(FakeVariant.SILENT);
            client.send(RawClient.post("/v1/chat/completions", "{" + HELLO + ",\"stream\":true}"));
            FakeVariant.Submission submission = server.nextSubmission();
            StringBuilder expected = new StringBuilder();
            for (int i = 0; i < 100_000; i++) {
                submission.emit("w" + i + " ");
                expected.append('w').append(i).append(' ');
            }
            submission.finish(FinishReason.STOP);

            String body = client.readToEnd().body();

            StringBuilder text = new StringBuilder();
            body.lines()
                    .filter(line -> line.contains("\"delta\":{\"content\":\"w"))
                    .forEach(line -> {
                        int from = line.indexOf("\"delta\":{\"content\":\"") + 20;
                        text.append(line, from, line.indexOf('"', from));
                    });
            assertThat(text.toString()).isEqualTo(expected.toString());
            assertThat(body).endsWith("data: [DONE]\n\n");
        }
    }

    @Test
    void keepsASilentStreamAlive() throws Exception {
        ApiOptions.Limits limits = new ApiOptions.Limits(
                1 << 20,
                1 << 20,
                16,
                4_096,
                Duration.ofSeconds(30),
                Duration.ofSeconds(30),
                Duration.ofMillis(20),
                1 << 20);

        try (BareServer server = BareServer.start(ApiOptions.DEFAULTS.with(limits));
                RawClient client = new RawClient(server.port())) {
            server.variant().script(FakeVariant.SILENT);
            client.send(RawClient.post("/v1/chat/completions", "{" + HELLO + ",\"stream\":true}"));

            assertThat(client.readUntil(": keep-alive\n\n")).contains("200 OK");
        }
    }

    private static ApiOptions limited(int bodyBytesMax, Duration bodyTimeout) {
        return ApiOptions.DEFAULTS.with(new ApiOptions.Limits(
                bodyBytesMax,
                1 << 20,
                16,
                4_096,
                bodyTimeout,
                Duration.ofSeconds(30),
                Duration.ofSeconds(15),
                1 << 20));
    }

    private static ApiOptions inFlight(int requestsMax) {
        return ApiOptions.DEFAULTS.with(new ApiOptions.Limits(
                1 << 20,
                1 << 20,
                requestsMax,
                4_096,
                Duration.ofSeconds(30),
                Duration.ofSeconds(30),
                Duration.ofSeconds(15),
                8 << 20));
    }
}
