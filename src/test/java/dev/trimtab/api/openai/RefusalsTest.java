package dev.trimtab.api.openai;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trimtab.api.BareServer;
import dev.trimtab.api.FakeVariant;
import dev.trimtab.api.RawClient;
import dev.trimtab.api.http.JsonReader;
import dev.trimtab.error.DeadlineExceeded;
import dev.trimtab.error.Internal;
import dev.trimtab.error.Overloaded;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvFileSource;

final class RefusalsTest {
    private static final String HELLO = "\"model\":\"demo\",\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}]";

    private static BareServer server;

    @BeforeAll
    static void start() {
        server = BareServer.start();
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    @BeforeEach
    void reset() {
        server.variant().script(FakeVariant.CANNED).submissions().clear();
    }

    @ParameterizedTest
    @CsvFileSource(resources = "/api/chat-refusals.csv", delimiter = '|', quoteCharacter = '`', nullValues = "-")
    void refusesAChatByField(String body, String param, String code, String message) throws Exception {
        RawClient.Answer answer = post("/v1/chat/completions", body.replace("HELLO", "{" + HELLO));

        assertThat(answer.status()).isEqualTo(400);
        Map<?, ?> error = error(answer);
        assertThat(error.get("type")).isEqualTo("invalid_request_error");
        assertThat(error.get("param")).isEqualTo(param);
        assertThat(error.get("code")).isEqualTo(code);
        assertThat(String.valueOf(error.get("message"))).contains(message);
        assertThat(server.variant().submissions()).isEmpty();
    }

    @ParameterizedTest
    @CsvFileSource(resources = "/api/completion-refusals.csv", delimiter = '|', quoteCharacter = '`', nullValues = "-")
    void refusesACompletionByField(String body, String param, String code) throws Exception {
        RawClient.Answer answer = post("/v1/completions", body);

        assertThat(answer.status()).isEqualTo(400);
        assertThat(error(answer).get("param")).isEqualTo(param);
        assertThat(error(answer).get("code")).isEqualTo(code);
    }

    @Test
    void namesTheUnknownModelAndThoseThereAre() throws Exception {
        RawClient.Answer answer = post("/v1/chat/completions", "{\"model\":\"gpt\",\"messages\":[]}");

        assertThat(answer.status()).isEqualTo(404);
        assertThat(error(answer).get("code")).isEqualTo("model_not_found");
        assertThat(error(answer).get("param")).isEqualTo("model");
        assertThat(answer.body()).contains("gpt").contains("available: demo");
    }

    @Test
    void saysWhereTheJsonIsBroken() throws Exception {
        RawClient.Answer answer = post("/v1/chat/completions", "{\"model\":\"demo\",\n\"messages\":[}");

        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.body()).contains("line 2, column 13");
    }

    @Test
    void refusesAModelWithoutTemplateInAChat() throws Exception {
        try (BareServer other = BareServer.start()) {
            other.variant().withoutTemplate();

            RawClient.Answer answer =
                    RawClient.exchange(other.port(), RawClient.post("/v1/chat/completions", "{" + HELLO + "}"));

            assertThat(answer.status()).isEqualTo(400);
            assertThat(answer.body()).contains("no chat template");
        }
    }

    @Test
    void shedsWithTheTimeToComeBack() throws Exception {
        server.variant().script(_ -> {
            throw new Overloaded(Overloaded.Scope.SERVER, "queue_full", Duration.ofSeconds(3), "64 sequences wait");
        });

        RawClient.Answer answer = post("/v1/chat/completions", "{" + HELLO + ",\"stream\":true}");

        assertThat(answer.status()).isEqualTo(503);
        assertThat(answer.header("retry-after")).isEqualTo("3");
        assertThat(answer.header("x-trimtab-drop-reason")).isEqualTo("queue_full");
        assertThat(error(answer).get("type")).isEqualTo("server_error");
    }

    @Test
    void cancelsTheOthersWhenOneIsShed() throws Exception {
        server.variant().script(_ -> {
            if (server.variant().submissions().size() == 2) {
                throw new Overloaded(Overloaded.Scope.SERVER, "queue_full", Duration.ofSeconds(1), "full");
            }
        });

        RawClient.Answer answer = post("/v1/chat/completions", "{" + HELLO + ",\"n\":3}");

        assertThat(answer.status()).isEqualTo(503);
        server.nextSubmission().cancelled().get(10, TimeUnit.SECONDS);
        server.nextSubmission().cancelled().get(10, TimeUnit.SECONDS);
    }

    @Test
    void answersAFailureBeforeTheFirstTokenWithItsStatus() throws Exception {
        server.variant().script(submission -> submission.fail(new DeadlineExceeded("too late")));

        RawClient.Answer answer = post("/v1/chat/completions", "{" + HELLO + ",\"stream\":true}");

        assertThat(answer.status()).isEqualTo(504);
        assertThat(answer.header("content-type")).isEqualTo("application/json");
    }

    @Test
    void keepsInternalMessagesInside() throws Exception {
        server.variant().script(submission -> submission.fail(new Internal("secret")));

        RawClient.Answer answer = post("/v1/chat/completions", "{" + HELLO + "}");

        assertThat(answer.status()).isEqualTo(500);
        assertThat(answer.body()).doesNotContain("secret").contains("request id");
        assertThat(answer.header("x-request-id")).isNotEmpty();
    }

    @Test
    void answersAnythingUnexpectedAsAFaultOfItsOwn() throws Exception {
        server.variant().script(_ -> {
            throw new IllegalStateException("secret");
        });

        RawClient.Answer answer = post("/v1/chat/completions", "{" + HELLO + "}");

        assertThat(answer.status()).isEqualTo(500);
        assertThat(answer.body()).doesNotContain("secret");
    }

    private static RawClient.Answer post(String path, String body) throws Exception {
        return RawClient.exchange(server.port(), RawClient.post(path, body));
    }

    private static Map<?, ?> error(RawClient.Answer answer) {
        if (JsonReader.read(answer.body()) instanceof Map<?, ?> body && body.get("error") instanceof Map<?, ?> error) {
            return error;
        }
        throw new AssertionError("an error object expected, found " + answer);
    }
}
