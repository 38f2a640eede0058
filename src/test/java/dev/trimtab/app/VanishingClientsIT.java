package dev.trimtab.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/// A minute of 64 concurrent streams, a third of whose clients vanish while they read.
class VanishingClientsIT {
    private static final int STREAMS = 64;
    private static final Duration DURATION = Duration.ofSeconds(60);
    private final AtomicInteger finished = new AtomicInteger();
    private final AtomicInteger vanished = new AtomicInteger();

    @Test
    void freesEveryBlockWhateverClientsDo() throws IOException, InterruptedException, ExecutionException {
        try (PackagedServer server = PackagedServer.start();
                ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
            long endNanos = System.nanoTime() + DURATION.toNanos();
            List<Future<?>> clients = new ArrayList<>();
            for (int i = 0; i < STREAMS; i++) {
                SplittableRandom random = new SplittableRandom(i);
                clients.add(executor.submit(() -> {
                    while (System.nanoTime() < endNanos) {
                        stream(server, random);
                    }
                    return null;
                }));
            }
            for (Future<?> client : clients) {
                client.get();
            }

            assertThat(finished.get()).isGreaterThan(STREAMS);
            assertThat(vanished.get()).isGreaterThan(STREAMS / 3);
            server.awaitIdle();
            assertThat(server.metric("trimtab_kv_blocks{model=\"demo-f16\",state=\"used\"}"))
                    .isZero();
            assertThat(server.metric("trimtab_sequences_ended_total{model=\"demo-f16\",reason=\"error\"}"))
                    .isZero();
        }
    }

    /// One request; every third client closes its connection after some lines.
    private void stream(PackagedServer server, SplittableRandom random) throws IOException, InterruptedException {
        String body = """
                {"model":"demo","stream":true,"ignore_eos":true,"max_tokens":%d,"temperature":1,"seed":%d,
                 "messages":[{"role":"user","content":"Tell me a fable about a fox."}]}
                """.formatted(random.nextInt(16, 128), random.nextInt());
        HttpRequest request = server.request("/v1/chat/completions")
                .POST(HttpRequest.BodyPublishers.ofString(body))
                .build();
        HttpResponse<InputStream> response = server.client().send(request, HttpResponse.BodyHandlers.ofInputStream());
        assertThat(response.statusCode()).isEqualTo(200);
        boolean vanishes = random.nextInt(3) == 0;
        try (InputStream in = response.body()) {
            if (vanishes) {
                in.readNBytes(random.nextInt(1, 2_000));
                vanished.incrementAndGet();
                return;
            }
            String text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
            assertThat(text).doesNotContain("\"error\"").endsWith("data: [DONE]\n\n");
            finished.incrementAndGet();
        }
    }
}
