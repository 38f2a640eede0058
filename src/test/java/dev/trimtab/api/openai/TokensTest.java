package dev.trimtab.api.openai;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trimtab.api.BareServer;
import dev.trimtab.api.RawClient;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

final class TokensTest {
    private static BareServer server;

    @BeforeAll
    static void start() {
        server = BareServer.start();
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    @Test
    void tokenizesText() throws Exception {
        assertThat(post("/tokenize", "{\"model\":\"demo\",\"prompt\":\"hi<|im_end|>\"}"))
                .isEqualTo("{\"count\":3,\"max_model_len\":4096,\"tokens\":[104,105,258],\"token_strs\":null}");
    }

    @Test
    void tokenizesAChatAndShowsThePieces() throws Exception {
        String body = "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],\"add_generation_prompt\":false,"
                + "\"return_token_strs\":true}";

        assertThat(post("/tokenize", body))
                .endsWith("\"token_strs\":[\"<|im_start|>\",\"u\",\"s\",\"e\",\"r\",\"\u010a\",\"a\","
                        + "\"<|im_end|>\",\"\u010a\"]}");
    }

    @Test
    void detokenizesWithControlTokensVisible() throws Exception {
        assertThat(post("/detokenize", "{\"tokens\":[257,195,169,258]}"))
                .isEqualTo("{\"prompt\":\"<|im_start|>\u00e9<|im_end|>\"}");
    }

    @Test
    void refusesIdsOutsideTheVocabulary() throws Exception {
        assertThat(post("/detokenize", "{\"tokens\":[1,259]}"))
                .contains("\"param\":\"tokens[1]\"")
                .contains("0..258");
    }

    @Test
    void refusesABodyWithoutTextOrMessages() throws Exception {
        assertThat(post("/tokenize", "{}")).contains("\"param\":\"prompt\"");
        assertThat(post("/detokenize", "{}")).contains("\"param\":\"tokens\"");
    }

    private static String post(String path, String body) throws Exception {
        return RawClient.exchange(server.port(), RawClient.post(path, body)).body();
    }
}
