package dev.trimtab.checkpoint.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.BadConfiguration;
import dev.trimtab.error.NotFound;
import dev.trimtab.error.Unavailable;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Fetching from a hub that misbehaves in every way a network and a server can.
class HubTest {
    private static final String MODEL = "model-Q4_K_M.gguf";
    private static final byte[] BYTES = randomBytes(3_000_000);
    private static final HubReference REFERENCE = HubReference.parse("hf:org/name");

    private final FakeHub hub = new FakeHub();
    private final List<Duration> pauses = new ArrayList<>();
    private final List<Long> progress = new ArrayList<>();

    @TempDir
    private Path cache;

    @AfterEach
    void close() {
        hub.close();
    }

    private Hub client() {
        return client(Optional.of("secret"));
    }

    private Hub client(Optional<String> token) {
        HubOptions options = new HubOptions(hub.base(), token, cache, Duration.ofMillis(300));
        Clock clock = Clock.fixed(Instant.parse("2026-01-01T00:00:00Z"), ZoneOffset.UTC);
        return new Hub(options, (done, _) -> progress.add(done), new Retry(pauses::add, clock));
    }

    private static byte[] randomBytes(int count) {
        byte[] bytes = new byte[count];
        new Random(7).nextBytes(bytes);
        return bytes;
    }

    @Test
    void fetchesAFileOnceAndSaysHowFarItIs() throws IOException {
        hub.file(MODEL, BYTES).file("README.md", "read me");

        Path first = client().fetch(REFERENCE);
        Path second = client().fetch(REFERENCE);

        assertThat(first).isEqualTo(second).hasFileName(MODEL).hasBinaryContent(BYTES);
        assertThat(first).startsWith(cache);
        assertThat(hub.downloads(MODEL)).isEqualTo(1);
        assertThat(progress).isSorted().contains(3_000_000L);
        assertThat(files("blobs")).containsExactly(FakeHub.sha256(BYTES));
    }

    @Test
    void keepsTheTokenFromEveryHostButTheHub() {
        hub.file(MODEL, BYTES);

        client().fetch(REFERENCE);

        assertThat(hub.seen())
                .hasSize(3)
                .allSatisfy(request -> assertThat(request.authorization())
                        .isEqualTo(request.path().startsWith("/store/") ? "" : "Bearer secret"));
    }

    @Test
    void goesOnWhereAConnectionBroke() {
        hub.file(MODEL, BYTES);
        hub.next(MODEL, redirect(), FakeHub.cut(BYTES, 2_000_000));

        Path path = client().fetch(REFERENCE);

        assertThat(path).hasBinaryContent(BYTES);
        assertThat(pauses).isEmpty(); // so much came that it does not count as a failure
        assertThat(hub.seen()).anySatisfy(request -> assertThat(request.range()).isEqualTo("bytes=2000000-"));
    }

    @Test
    void goesOnWhereAnEarlierProcessStopped() throws IOException {
        hub.file(MODEL, BYTES);
        leavePart(Arrays.copyOf(BYTES, 1_234_567));

        Path path = client().fetch(REFERENCE);

        assertThat(path).hasBinaryContent(BYTES);
        assertThat(hub.seen().getLast().range()).isEqualTo("bytes=1234567-");
    }

    @Test
    void beginsAnewWhenWhatWasLeftIsWrong() throws IOException {
        hub.file(MODEL, BYTES);
        leavePart(new byte[1_000_000]);

        Path path = client().fetch(REFERENCE);

        assertThat(path).hasBinaryContent(BYTES);
        assertThat(hub.downloads(MODEL)).isEqualTo(2);
    }

    @Test
    void beginsAnewAtAServerWithoutRanges() throws IOException {
        hub.file(MODEL, BYTES);
        leavePart(new byte[1_000_000]);
        hub.next(MODEL, FakeHub.bytes(BYTES));

        assertThat(client().fetch(REFERENCE)).hasBinaryContent(BYTES);
    }

    @Test
    void beginsAnewWhenTheServerRefusesTheRange() throws IOException {
        hub.file(MODEL, BYTES);
        leavePart(new byte[1_000_000]);
        hub.next(MODEL, FakeHub.status(416));

        assertThat(client().fetch(REFERENCE)).hasBinaryContent(BYTES);
    }

    @Test
    void refusesAnETagThatChangedSinceTheListing() throws IOException {
        hub.file(MODEL, BYTES);
        leavePart(Arrays.copyOf(BYTES, 1_000));
        hub.next(MODEL, FakeHub.status(206, "ETag", '"' + "0".repeat(64) + '"'));

        assertThatThrownBy(() -> client().fetch(REFERENCE))
                .isInstanceOf(BadCheckpoint.class)
                .hasMessageContaining(MODEL + ": ETag: expected SHA-256 " + FakeHub.sha256(BYTES));
        assertThat(files("blobs")).noneMatch(name -> name.equals(FakeHub.sha256(BYTES)));
    }

    @Test
    void refusesContentsWithAnotherHashAndForgetsThem() throws IOException {
        hub.file(MODEL, BYTES);
        byte[] wrong = BYTES.clone();
        wrong[1_500_000] ^= 1;
        hub.next(MODEL, FakeHub.bytes(wrong));

        assertThatThrownBy(() -> client().fetch(REFERENCE))
                .isInstanceOf(BadCheckpoint.class)
                .hasMessageContaining("expected SHA-256 " + FakeHub.sha256(BYTES))
                .hasMessageContaining("found SHA-256 " + FakeHub.sha256(wrong));
        assertThat(files("blobs")).isEmpty();
    }

    @Test
    void refusesSmallFilesWithAnotherHashToo() {
        hub.file("config.json", "{}").file("model.safetensors", BYTES);
        hub.next("config.json", FakeHub.bytes(new byte[] {'[', ']'}));

        assertThatThrownBy(() -> client().fetch(REFERENCE))
                .isInstanceOf(BadCheckpoint.class)
                .hasMessageContaining("config.json: expected SHA-1");
    }

    @Test
    void refusesAnotherLength() {
        hub.file(MODEL, BYTES);
        hub.next(MODEL, FakeHub.bytes(new byte[10]));

        assertThatThrownBy(() -> client().fetch(REFERENCE))
                .isInstanceOf(BadCheckpoint.class)
                .hasMessageContaining("expected 3000000 bytes as listed, found 10");
    }

    @Test
    void refusesMoreThanWasListed() {
        hub.file(MODEL, BYTES);
        hub.next(MODEL, exchange -> {
            exchange.sendResponseHeaders(200, 0); // chunked: no length stated
            exchange.getResponseBody().write(BYTES);
            exchange.getResponseBody().write(1);
        });

        assertThatThrownBy(() -> client().fetch(REFERENCE))
                .isInstanceOf(BadCheckpoint.class)
                .hasMessageContaining("found more");
    }

    // Trouble that passes

    @Test
    void asksABusyServerAgainWhenItSays() {
        hub.file(MODEL, BYTES);
        hub.next("main", FakeHub.status(429, "Retry-After", "7"), FakeHub.status(503));
        hub.next(MODEL, FakeHub.status(503, "Retry-After", "Thu, 01 Jan 2026 00:00:09 GMT"));

        assertThat(client().fetch(REFERENCE)).hasBinaryContent(BYTES);

        assertThat(pauses).containsExactly(Duration.ofSeconds(7), Duration.ofSeconds(2), Duration.ofSeconds(9));
    }

    @Test
    void givesUpOnAServerThatStaysBusy() {
        hub.next("main", FakeHub.status(500), FakeHub.status(500), FakeHub.status(500), FakeHub.status(500));
        hub.next("main", FakeHub.status(500));

        assertThatThrownBy(() -> client().fetch(REFERENCE))
                .isInstanceOf(Unavailable.class)
                .hasMessageContaining("hf:org/name: it answers 500 (tried 5 times");
        assertThat(pauses).extracting(Duration::toSeconds).containsExactly(1L, 2L, 4L, 8L);
    }

    @Test
    void doesNotWaitForHours() {
        hub.next("main", FakeHub.status(429, "Retry-After", "3600"));

        assertThatThrownBy(() -> client().fetch(REFERENCE))
                .isInstanceOf(Unavailable.class)
                .hasMessageContaining("it asks to wait 3600 s");
        assertThat(pauses).isEmpty();
    }

    @Test
    void takesSilenceForALostConnection() {
        hub.file(MODEL, BYTES);
        CountDownLatch over = new CountDownLatch(1);
        hub.next(MODEL, redirect(), exchange -> {
            exchange.sendResponseHeaders(200, BYTES.length);
            exchange.getResponseBody().write(BYTES, 0, 1_000);
            exchange.getResponseBody().flush();
            await(over);
        });

        Path path = client().fetch(REFERENCE);
        over.countDown();

        assertThat(path).hasBinaryContent(BYTES);
        assertThat(pauses).containsExactly(Duration.ofSeconds(1));
    }

    @Test
    void usesWhatIsThereWhenTheHubIsNot() throws IOException {
        hub.file(MODEL, BYTES);
        Path online = client().fetch(REFERENCE);
        hub.close();

        Path offline = client().fetch(REFERENCE);

        assertThat(offline).isEqualTo(online).hasBinaryContent(BYTES);
        Files.delete(blob());
        assertThatThrownBy(() -> client().fetch(REFERENCE)).isInstanceOf(Unavailable.class);
    }

    @Test
    void asksNobodyForACommitThatIsHere() {
        hub.file(MODEL, BYTES);
        HubReference pinned = HubReference.parse("hf:org/name@" + FakeHub.COMMIT);
        Path online = client().fetch(pinned);
        int requests = hub.seen().size();

        assertThat(client().fetch(pinned)).isEqualTo(online);

        assertThat(hub.seen()).hasSize(requests);
    }

    // Refusals

    @Test
    void saysWhatToDoAboutAGatedRepository() {
        hub.next("main", FakeHub.status(403, "X-Error-Code", "GatedRepo"));

        assertThatThrownBy(() -> client().fetch(REFERENCE))
                .isInstanceOf(BadConfiguration.class)
                .hasMessageContaining("accept its terms at " + hub.base() + "/org/name")
                .hasMessageContaining("HF_TOKEN")
                .hasMessageNotContaining("secret");
    }

    @Test
    void saysWhatToDoWithoutAToken() {
        hub.next("main", FakeHub.status(401));

        assertThatThrownBy(() -> client(Optional.empty()).fetch(REFERENCE))
                .isInstanceOf(BadConfiguration.class)
                .hasMessageContaining("no token was given");
    }

    @Test
    void saysThatARepositoryOrRevisionIsNotThere() {
        hub.next("v9", FakeHub.status(404, "X-Error-Code", "RevisionNotFound"));

        assertThatThrownBy(() -> client().fetch(HubReference.parse("hf:org/other")))
                .isInstanceOf(NotFound.class)
                .hasMessageContaining("no such repository");
        assertThatThrownBy(() -> client().fetch(HubReference.parse("hf:org/name@v9")))
                .isInstanceOf(NotFound.class)
                .hasMessageContaining("no revision v9");
    }

    @Test
    void followsNoLoopOfRedirects() {
        for (int i = 0; i < 6; i++) {
            hub.next("main", FakeHub.status(302, "Location", "main"));
        }

        assertThatThrownBy(() -> client().fetch(REFERENCE))
                .isInstanceOf(Unavailable.class)
                .hasMessageContaining("more than 5 redirects");
    }

    @ParameterizedTest
    @ValueSource(strings = {"file:///etc/passwd", "ftp://host/x", "http:///x", "::"})
    void followsRedirectsToTheWebOnly(String location) {
        hub.next("main", FakeHub.status(302, "Location", location));

        assertThatThrownBy(() -> client().fetch(REFERENCE)).isInstanceOf(Unavailable.class);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"../outside.gguf", "/etc/outside.gguf", "a/../../x.gguf", "a//x.gguf", "a\\..\\x.gguf", "."})
    void refusesNamesThatLeaveTheirFolder(String path) throws IOException {
        hub.file(path, BYTES);

        assertThatThrownBy(() -> client().fetch(REFERENCE))
                .isInstanceOf(BadCheckpoint.class)
                .hasMessageContaining("inside the repository");
        assertThat(files("snapshots")).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "[]",
                "{",
                "{\"sha\":\"main\",\"siblings\":[]}",
                "{\"sha\":\"../../x\",\"siblings\":[]}",
                "{\"sha\":\"0123456789abcdef0123456789abcdef01234567\",\"siblings\":{}}",
                "{\"sha\":\"0123456789abcdef0123456789abcdef01234567\",\"siblings\":[1]}",
                "{\"sha\":\"0123456789abcdef0123456789abcdef01234567\",\"siblings\":[{\"rfilename\":\"x.gguf\","
                        + "\"size\":1,\"blobId\":\"../../../x\"}]}",
                "{\"sha\":\"0123456789abcdef0123456789abcdef01234567\",\"siblings\":[{\"rfilename\":\"x.gguf\","
                        + "\"size\":99999999999999,\"blobId\":\"0123456789abcdef0123456789abcdef01234567\"}]}"
            })
    void refusesListingsThatAreNone(String listing) {
        hub.next("main", FakeHub.bytes(listing.getBytes(StandardCharsets.UTF_8)));

        assertThatThrownBy(() -> client().fetch(REFERENCE)).isInstanceOf(BadCheckpoint.class);
    }

    @Test
    void refusesWhatDoesNotFitTheDisk() {
        String listing = "{\"sha\":\"" + FakeHub.COMMIT + "\",\"siblings\":["
                + Stream.of("1", "2", "3", "4", "5", "6", "7", "8", "9")
                        .map(i -> "{\"rfilename\":\"x-0000" + i
                                + "-of-00009.gguf\",\"size\":4398046511104,\"blobId\":\"" + i.repeat(40) + "\"}")
                        .collect(Collectors.joining(","))
                + "]}";
        hub.next("main", FakeHub.bytes(listing.getBytes(StandardCharsets.UTF_8)));

        assertThatThrownBy(() -> client().fetch(REFERENCE))
                .isInstanceOf(BadConfiguration.class)
                .hasMessageContaining("39582418599936 bytes are to be fetched")
                .hasMessageContaining("trimtab.cache");
    }

    @Test
    void saysWhichCacheCannotBeWritten() throws IOException {
        Files.writeString(cache.resolve("hub"), "a file where the folder should be");

        assertThatThrownBy(() -> client().fetch(REFERENCE))
                .isInstanceOf(BadConfiguration.class)
                .hasMessageContaining("cannot be used as a cache")
                .hasMessageContaining(cache.toString());
    }

    // Several at once

    @Test
    void manyThreadsFetchOnce() throws Exception {
        hub.file(MODEL, BYTES);

        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Callable<Path>> fetches = Collections.nCopies(8, () -> client().fetch(REFERENCE));
            for (Future<Path> path : threads.invokeAll(fetches)) {
                assertThat(path.get()).hasBinaryContent(BYTES);
            }
        }

        assertThat(hub.downloads(MODEL)).isEqualTo(1);
    }

    @Test
    void waitsForAnotherProcess() throws Exception {
        hub.file(MODEL, BYTES);
        client().fetch(REFERENCE);
        int before = hub.seen().size();
        Process other = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        LockHolder.class.getName(),
                        folder().resolve("lock").toString())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        assertThat(other.inputReader().readLine()).isEqualTo("locked");

        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            Future<Path> waiting = threads.submit(() -> client().fetch(REFERENCE));
            assertThat(hub.seen()).hasSize(before);
            other.outputWriter().append('\n').flush();
            assertThat(waiting.get()).hasBinaryContent(BYTES);
        }

        assertThat(hub.downloads(MODEL)).isEqualTo(1);
        assertThat(other.waitFor()).isZero();
    }

    /// Another process that holds a lock until it is told to let go, and fails if somebody else has it
    /// meanwhile.
    static final class LockHolder {
        private LockHolder() {}

        public static void main(String... args) throws IOException {
            try (FileChannel channel = FileChannel.open(Path.of(args[0]), StandardOpenOption.WRITE);
                    FileLock lock = channel.lock()) {
                System.out.println("locked");
                if (System.in.read() < 0 || !lock.isValid()) {
                    System.exit(1);
                }
            }
        }
    }

    // Whole models

    @Test
    void fetchesEveryPartOfASplitModel() {
        for (int i = 1; i <= 3; i++) {
            hub.file("Q8_0/big-Q8_0-0000" + i + "-of-00003.gguf", randomBytes(i));
        }

        Path first = client().fetch(HubReference.parse("hf:org/name:q8_0"));

        assertThat(first).hasFileName("big-Q8_0-00001-of-00003.gguf");
        assertThat(first.resolveSibling("big-Q8_0-00003-of-00003.gguf")).hasBinaryContent(randomBytes(3));
    }

    @Test
    void fetchesAFolderWithTheShardsItsIndexNames() throws IOException {
        hub.file("config.json", "{\"a\":1}")
                .file("tokenizer.json", "{}")
                .file(
                        "model.safetensors.index.json",
                        "{\"metadata\":{},\"weight_map\":{\"a\":\"x.safetensors\",\"b\":\"y.safetensors\"}}")
                .file("x.safetensors", randomBytes(10))
                .file("y.safetensors", randomBytes(20))
                .file("consolidated.safetensors", randomBytes(30))
                .file("pytorch_model.bin", "no");

        Path folder = client().fetch(REFERENCE);

        try (Stream<Path> files = Files.list(folder)) {
            assertThat(files.map(file -> file.getFileName().toString()))
                    .containsExactlyInAnyOrder(
                            "config.json",
                            "tokenizer.json",
                            "model.safetensors.index.json",
                            "x.safetensors",
                            "y.safetensors");
        }
    }

    @Test
    void refusesAnIndexThatNamesWhatIsNotThere() {
        hub.file("model.safetensors.index.json", "{\"weight_map\":{\"a\":\"../../x.safetensors\"}}");

        assertThatThrownBy(() -> client().fetch(REFERENCE))
                .isInstanceOf(BadCheckpoint.class)
                .hasMessageContaining("the repository has no file ../../x.safetensors");
    }

    @Test
    void whatItFetchedOpensAsACheckpoint() throws IOException {
        try (InputStream demo = HubTest.class.getResourceAsStream("/models/demo.gguf")) {
            hub.file("demo.F16.gguf", demo.readAllBytes());
        }

        try (Checkpoint checkpoint = Checkpoint.open(client().fetch(REFERENCE))) {
            assertThat(checkpoint.metadata().string("general.architecture")).isEqualTo("llama");
        }
    }

    // Helpers

    private FakeHub.Answering redirect() {
        return exchange -> {
            String name = exchange.getRequestURI().getPath();
            String target = hub.storeBase() + "/store/" + name.substring(name.lastIndexOf('/') + 1);
            exchange.getResponseHeaders().set("Location", target);
            FakeHub.send(exchange, 302, new byte[0]);
        };
    }

    private Path folder() {
        return cache.resolve("hub/127.0.0.1%3A" + hub.base().getPort() + "/org/name");
    }

    private Path blob() {
        return folder().resolve("blobs").resolve(FakeHub.sha256(BYTES));
    }

    private void leavePart(byte[] bytes) throws IOException {
        Files.createDirectories(blob().getParent());
        Files.write(blob().resolveSibling(blob().getFileName() + ".part"), bytes);
    }

    private List<String> files(String name) throws IOException {
        Path folder = folder().resolve(name);
        if (!Files.exists(folder)) {
            return List.of();
        }
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Test
    void refusesToSendATokenInTheClear() {
        URI far = URI.create("http://hub.example.org");

        assertThatThrownBy(() -> new HubOptions(far, Optional.of("secret"), cache, HubOptions.STALL))
                .isInstanceOf(BadConfiguration.class)
                .hasMessageContaining("https only");
    }
}
