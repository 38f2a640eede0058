package dev.trimtab.api.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trimtab.api.RawClient;
import dev.trimtab.error.BadConfiguration;
import dev.trimtab.error.Conflict;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServer;
import io.vertx.core.net.SocketAddress;
import io.vertx.ext.web.Router;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Who may administer, how refusals are told, and what the audit log says, over a table of one endpoint.
final class AdminGateTest {
    private static final String KEY = "correct horse battery staple";
    private static final String BEARER = "Authorization: Bearer " + KEY;

    private final Vertx vertx = Vertx.vertx();
    private final BlockingQueue<String> audit = new LinkedBlockingQueue<>();

    @AfterEach
    void close() {
        vertx.close().toCompletionStage().toCompletableFuture().join();
    }

    @Test
    void letsTheMachinesOwnProcessesInWithoutAKey() throws Exception {
        RawClient.Answer answer = post(start(ApiOptions.DEFAULTS), "/admin/things");

        assertThat(answer.status()).isEqualTo(200);
        assertThat(nextLine())
                .matches("\\{\"request\":\"req_1\",\"actor\":\"loopback\",\"peer\":\"127.0.0.1\","
                        + "\"action\":\"makeThing\",\"target\":\"a thing\",\"outcome\":\"200\",\"millis\":[0-9]+}");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "X-Forwarded-For: 127.0.0.1",
                "Forwarded: for=127.0.0.1",
                "X-Real-IP: ::1",
                "Via: 1.1 proxy",
                "Origin: https://chat.example"
            })
    void takesNoHeadersWordForLoopback(String header) throws Exception {
        ApiOptions options = new ApiOptions(
                Set.of(), Set.of("https://chat.example"), Set.of(), Optional.empty(), ApiOptions.Limits.DEFAULTS);

        RawClient.Answer answer = post(start(options), "/admin/things", header);

        assertThat(answer.status()).isEqualTo(403);
        assertThat(answer.header("content-type")).isEqualTo("application/problem+json");
        assertThat(answer.body())
                .contains("\"type\":\"urn:trimtab:problem:forbidden\"")
                .contains("TRIMTAB_ADMIN_KEY");
        assertThat(nextLine()).contains("\"actor\":\"nobody\"").contains("\"outcome\":\"403\"");
    }

    @ParameterizedTest
    @CsvSource({"127.0.0.1,true", "127.8.9.1,true", "::1,true", "10.0.0.1,false", "::ffff:10.0.0.1,false"})
    void knowsLoopbackByItsAddress(String address, boolean loopback) {
        assertThat(AdminGate.isLoopback(SocketAddress.inetSocketAddress(1, address)))
                .isEqualTo(loopback);
    }

    @Test
    void doesNotTakeASocketFileForLoopback() {
        assertThat(AdminGate.isLoopback(SocketAddress.domainSocketAddress("/tmp/s")))
                .isFalse();
    }

    @Test
    void asksForTheKeyWhereThereIsOneAndNamesItByItsFingerprint() throws Exception {
        HttpServer server = start(ApiOptions.DEFAULTS.with(AdminKey.of(KEY)));

        RawClient.Answer answer = post(server, "/admin/things", BEARER, "X-Forwarded-For: 10.0.0.1");

        assertThat(answer.status()).isEqualTo(200);
        assertThat(nextLine()).containsPattern("\"actor\":\"key [0-9a-f]{8}\"").doesNotContain("horse");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "Accept: */*",
                "Authorization: Bearer wrong",
                "Authorization: Bearer correct horse battery stapl",
                "Authorization: Bearer correct horse battery staple2",
                "Authorization: Basic Y29ycmVjdCBob3JzZSBiYXR0ZXJ5IHN0YXBsZQ==",
                "Authorization: correct horse battery staple"
            })
    void refusesEveryOtherKeyAndNone(String header) throws Exception {
        RawClient.Answer answer = post(start(ApiOptions.DEFAULTS.with(AdminKey.of(KEY))), "/admin/things", header);

        assertThat(answer.status()).isEqualTo(401);
        assertThat(answer.header("www-authenticate")).startsWith("bearer");
        assertThat(answer.body()).contains("\"status\":401").doesNotContain("horse");
        assertThat(nextLine()).contains("\"action\":\"makeThing\"").contains("\"outcome\":\"401\"");
    }

    @Test
    void doesNotTakeACallersKeyForTheAdmins() throws Exception {
        ApiOptions options = new ApiOptions(
                Set.of(),
                Set.of(),
                Set.of("a caller's key"),
                Optional.of(AdminKey.of(KEY)),
                ApiOptions.Limits.DEFAULTS);

        assertThat(post(start(options), "/admin/things", "Authorization: Bearer a caller's key")
                        .status())
                .isEqualTo(401);
    }

    @Test
    void neverShowsTheKey() {
        ApiOptions options = ApiOptions.DEFAULTS.with(AdminKey.of(KEY));

        assertThat(options.toString()).doesNotContain("horse");
        assertThatThrownBy(() -> AdminKey.of("too short"))
                .isInstanceOf(BadConfiguration.class)
                .hasMessageNotContaining("too short")
                .hasMessageContaining("at least 16");
    }

    @Test
    void tellsProblemsInTheirOwnMediaType() throws Exception {
        RawClient.Answer answer = post(start(ApiOptions.DEFAULTS), "/admin/things?conflict");

        assertThat(answer.status()).isEqualTo(409);
        assertThat(answer.header("content-type")).isEqualTo("application/problem+json");
        assertThat(answer.body())
                .isEqualTo("{\"type\":\"urn:trimtab:problem:conflict\",\"title\":\"Conflict\",\"status\":409,"
                        + "\"detail\":\"taken\",\"instance\":\"/admin/things\",\"code\":\"conflict\"}");
    }

    @ParameterizedTest
    @CsvSource({"GET,/admin/nothing,404", "PUT,/admin/things,405", "GET,/adminother,404"})
    void tellsUnknownPathsAndMethodsInTheDialectOfThePath(String method, String path, int status) throws Exception {
        HttpServer server = start(ApiOptions.DEFAULTS);

        RawClient.Answer answer =
                RawClient.exchange(server.actualPort(), RawClient.get(path).replaceFirst("GET", method));

        assertThat(answer.status()).isEqualTo(status);
        assertThat(answer.header("content-type"))
                .isEqualTo(path.startsWith("/admin/") ? "application/problem+json" : "application/json");
    }

    @Test
    void tellsOperatorsWhatIsWrongWithTheirConfiguration() {
        assertThat(Failure.forOperator(new BadConfiguration("the recipe is wrong")))
                .extracting(Failure::status, Failure::message)
                .containsExactly(422, "the recipe is wrong");
    }

    @ParameterizedTest
    @ValueSource(strings = {"a\nb", "a\r\nb", "\u001b[2J", "a\u0085b", "a\u2028b", "\u202eabc", "\"},{\"", "\\"})
    void writesWhatCallersSendOnOneLineOfAscii(String hostile) {
        AuditLog log = new AuditLog(audit::add);

        log.write(new AuditLog.Entry("req_1", "loopback", "::1", "makeThing", hostile, "200"), Duration.ZERO);

        String line = audit.remove();
        assertThat(line.chars()).allMatch(c -> c >= ' ' && c < 0x7F);
        assertThat(JsonReader.read(line))
                .asInstanceOf(InstanceOfAssertFactories.MAP)
                .containsEntry("target", hostile);
    }

    private String nextLine() throws InterruptedException {
        return Optional.ofNullable(audit.poll(10, TimeUnit.SECONDS))
                .orElseThrow(() -> new AssertionError("nothing was audited within 10 s"));
    }

    private static RawClient.Answer post(HttpServer server, String path, String... headers) throws Exception {
        return RawClient.exchange(server.actualPort(), RawClient.post(path, "{}", headers));
    }

    private HttpServer start(ApiOptions options) {
        Endpoint endpoint = new Endpoint(
                HttpMethod.POST,
                "/admin/things",
                Endpoint.Access.ADMIN,
                Endpoint.Work.LOOP,
                new Endpoint.Operation("makeThing", "Makes it.", "Thing", Map.of("application/json", "Thing")),
                AdminGateTest::makeThing);
        Surroundings surroundings = new Surroundings(
                System::nanoTime,
                Clock.systemUTC(),
                () -> "1",
                Thread::startVirtualThread,
                () -> "",
                new AuditLog(audit::add));
        Router router = Router.router(vertx);
        new Dispatcher(List.of(endpoint), options, ApiListener.NONE, surroundings).mount(router);
        return vertx.createHttpServer()
                .requestHandler(router)
                .listen(0, "127.0.0.1")
                .toCompletionStage()
                .toCompletableFuture()
                .join();
    }

    private static void makeThing(Exchange exchange, byte[] body) {
        exchange.target("a thing");
        if (exchange.queryFlag("conflict")) {
            throw new Conflict("taken");
        }
        exchange.send(200, Buffer.buffer("{}"));
    }
}
