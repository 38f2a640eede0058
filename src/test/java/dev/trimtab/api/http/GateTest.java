package dev.trimtab.api.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trimtab.api.BareServer;
import dev.trimtab.api.RawClient;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class GateTest {
    private static final ApiOptions ALLOWING = new ApiOptions(
            Set.of("trimtab.example"),
            Set.of("https://chat.example"),
            Set.of(),
            Optional.empty(),
            ApiOptions.Limits.DEFAULTS);

    @ParameterizedTest
    @ValueSource(
            strings = {"localhost", "localhost:8080", "LOCALHOST", "127.0.0.1:8080", "[::1]:8080", "[::1]", "10.1.2.3"})
    void takesLocalhostAndAddressesAsHost(String host) throws Exception {
        try (BareServer server = BareServer.start()) {
            RawClient.Answer answer = RawClient.exchange(server.port(), RawClient.get("/health/live", "Host: " + host));

            assertThat(answer.status()).isEqualTo(200);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "127.0.0.1evil:80"})
    void refusesOtherNamesAsHost(String host) throws Exception {
        try (BareServer server = BareServer.start()) {
            RawClient.Answer answer = RawClient.exchange(server.port(), RawClient.get("/v1/models", "Host: " + host));

            assertThat(answer.status()).isEqualTo(403);
            assertThat(answer.body()).contains("\"code\":\"forbidden\"").contains("Host");
        }
    }

    @Test
    void refusesARequestWithoutHost() throws Exception {
        try (BareServer server = BareServer.start()) {
            RawClient.Answer answer = RawClient.exchange(server.port(), RawClient.get("/v1/models", "Accept: */*"));

            assertThat(answer.status()).isEqualTo(400);
        }
    }

    @Test
    void takesConfiguredNamesAsHost() throws Exception {
        try (BareServer server = BareServer.start(ALLOWING)) {
            RawClient.Answer answer =
                    RawClient.exchange(server.port(), RawClient.get("/v1/models", "Host: trimtab.example"));

            assertThat(answer.status()).isEqualTo(200);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"https://evil.example", "null", "http://localhost:1", "http://localhost.evil.example"})
    void refusesPagesOfOtherSites(String origin) throws Exception {
        try (BareServer server = BareServer.start()) {
            RawClient.Answer answer = RawClient.exchange(
                    server.port(), RawClient.get("/v1/models", "Host: localhost:8080", "Origin: " + origin));

            assertThat(answer.status()).isEqualTo(403);
            assertThat(answer.header("access-control-allow-origin")).isEmpty();
        }
    }

    @Test
    void takesItsOwnPages() throws Exception {
        try (BareServer server = BareServer.start()) {
            RawClient.Answer answer = RawClient.exchange(
                    server.port(),
                    RawClient.get("/v1/models", "Host: localhost:8080", "Origin: http://localhost:8080"));

            assertThat(answer.status()).isEqualTo(200);
            assertThat(answer.header("access-control-allow-origin")).isEmpty();
        }
    }

    @Test
    void letsAllowedPagesReadTheAnswer() throws Exception {
        try (BareServer server = BareServer.start(ALLOWING)) {
            RawClient.Answer answer = RawClient.exchange(
                    server.port(), RawClient.get("/v1/models", "Host: localhost", "Origin: https://chat.example"));

            assertThat(answer.status()).isEqualTo(200);
            assertThat(answer.header("access-control-allow-origin")).isEqualTo("https://chat.example");
            assertThat(answer.header("vary")).isEqualTo("origin");
        }
    }

    @Test
    void answersThePreflightOfAllowedPages() throws Exception {
        String preflight = RawClient.get(
                        "/v1/chat/completions",
                        "Host: localhost",
                        "Origin: https://chat.example",
                        "Access-Control-Request-Method: POST")
                .replaceFirst("GET", "OPTIONS");

        try (BareServer server = BareServer.start(ALLOWING)) {
            RawClient.Answer answer = RawClient.exchange(server.port(), preflight);

            assertThat(answer.status()).isEqualTo(204);
            assertThat(answer.header("access-control-allow-methods")).isEqualTo("get, post, delete");
            assertThat(answer.header("access-control-allow-headers")).contains("authorization");
        }
    }

    @Test
    void asksForAKeyWhereKeysAreConfigured() throws Exception {
        ApiOptions keyed =
                new ApiOptions(Set.of(), Set.of(), Set.of("k1", "k2"), Optional.empty(), ApiOptions.Limits.DEFAULTS);

        try (BareServer server = BareServer.start(keyed)) {
            int port = server.port();
            RawClient.Answer none = RawClient.exchange(port, RawClient.get("/v1/models"));
            RawClient.Answer wrong = RawClient.exchange(
                    port, RawClient.get("/v1/models", "Host: localhost", "Authorization: Bearer k3"));
            RawClient.Answer right = RawClient.exchange(
                    port, RawClient.get("/v1/models", "Host: localhost", "Authorization: Bearer k2"));
            RawClient.Answer probe = RawClient.exchange(port, RawClient.get("/health/ready"));

            assertThat(none.status()).isEqualTo(401);
            assertThat(none.header("www-authenticate")).startsWith("bearer");
            assertThat(wrong.status()).isEqualTo(401);
            assertThat(wrong.body()).contains("\"code\":\"invalid_api_key\"").doesNotContain("k3");
            assertThat(right.status()).isEqualTo(200);
            assertThat(probe.status()).isEqualTo(200);
        }
    }
}
