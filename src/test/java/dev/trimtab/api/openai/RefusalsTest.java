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
import org.junit.jupiter.params.provider.CsvSource;

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
    @CsvSource(delimiter = '|', quoteCharacter = '`', nullValues = "-", textBlock = """
            {}                                          | model               | missing_required_parameter | a string expected, found nothing
            {"model":7}                                 | model               | invalid_type      | a string expected, found a number (7)
            {"model":"demo"}                            | messages            | missing_required_parameter | an array of messages expected
            {"model":"demo","messages":[]}              | messages            | -                 | at least one
            {"model":"demo","messages":"hi"}            | messages            | invalid_type      | an array expected, found a string ("hi")
            {"model":"demo","messages":[7]}             | messages[0]         | -                 | an object expected, found a number
            {"model":"demo","messages":[{"content":"x"}]} | messages[0].role  | missing_required_parameter | a string expected
            {"model":"demo","messages":[{"role":"boss","content":"x"}]} | messages[0].role | invalid_value | found boss
            {"model":"demo","messages":[{"role":"user"}]} | messages[0].content | missing_required_parameter | a string or parts
            {"model":"demo","messages":[{"role":"user","content":7}]} | messages[0].content | invalid_type | a string or an array of parts
            {"model":"demo","messages":[{"role":"user","content":[{"type":"image_url"}]}]} | messages[0].content[0].type | unsupported_value | text only
            {"model":"demo","messages":[{"role":"user","content":[{"type":"text"}]}]} | messages[0].content[0].text | missing_required_parameter | a string
            {"model":"demo","messages":[{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":"{"}}]}]} | messages[0].tool_calls[0].function.arguments | - | JSON object
            {"model":"demo","messages":[{"role":"user","content":"refuse"}]} | - | - | no
            HELLO,"temperature":3}                      | temperature         | -                 | 0.0..2.0
            HELLO,"temperature":"hot"}                  | temperature         | invalid_type      | a number expected, found a string ("hot")
            HELLO,"temperature":1e999}                  | temperature         | -                 | found Infinity
            HELLO,"top_p":0}                            | top_p               | -                 | found 0.0
            HELLO,"n":0}                                | n                   | invalid_value     | 1..8
            HELLO,"n":1.5}                              | n                   | invalid_value     | an integer
            HELLO,"n":"2"}                              | n                   | invalid_type      | an integer
            HELLO,"max_tokens":0}                       | max_tokens          | invalid_value     | found a number (0)
            HELLO,"max_tokens":100000}                  | messages            | context_length_exceeded | context is 4096 tokens
            HELLO,"seed":1e30}                          | seed                | invalid_type      | 64 bits
            HELLO,"stop":7}                             | stop                | invalid_type      | an array expected
            HELLO,"stop":[7]}                           | stop[0]             | invalid_type      | a string expected
            HELLO,"stop_token_ids":[999]}               | stop_token_ids[0]   | invalid_value     | 0..258
            HELLO,"logit_bias":{"999":1}}               | logit_bias.999      | invalid_value     | 0..258
            HELLO,"logit_bias":{"x":1}}                 | logit_bias.x        | invalid_type      | a token id
            HELLO,"logit_bias":{"1":101}}               | logit_bias          | -                 | 100
            HELLO,"stream":"yes"}                       | stream              | invalid_type      | true or false
            HELLO,"stream_options":{"include_usage":true}} | stream_options   | -                 | only with stream
            HELLO,"response_format":{"type":"json_object"}} | response_format | unsupported_value | {type=text}
            HELLO,"tool_choice":"required"}             | tool_choice         | unsupported_value | auto or none
            HELLO,"logprobs":true}                      | logprobs            | unsupported_value | only false
            HELLO,"continue_final_message":true}        | continue_final_message | unsupported_value | only false
            """)
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
    @CsvSource(delimiter = '|', quoteCharacter = '`', nullValues = "-", textBlock = """
            {"model":"demo"}                            | prompt              | missing_required_parameter
            {"model":"demo","prompt":""}                | prompt              | -
            {"model":"demo","prompt":[]}                | prompt              | -
            {"model":"demo","prompt":7}                 | prompt              | invalid_type
            {"model":"demo","prompt":[1,"a"]}           | prompt[1]           | invalid_type
            {"model":"demo","prompt":[1,-1]}            | prompt[1]           | invalid_value
            {"model":"demo","prompt":[["a"]]}           | prompt[0][0]        | invalid_type
            {"model":"demo","prompt":["a",null]}        | prompt[1]           | invalid_type
            {"model":"demo","prompt":"a","echo":true}   | echo                | unsupported_value
            {"model":"demo","prompt":"a","logprobs":1}  | logprobs            | unsupported_value
            {"model":"demo","prompt":"a","max_tokens":9999} | prompt          | context_length_exceeded
            """)
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
