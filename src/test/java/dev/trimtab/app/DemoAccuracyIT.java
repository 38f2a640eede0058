package dev.trimtab.app;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import org.junit.jupiter.api.Test;

/// The embedded model's card, held over HTTP: its held-out questions, greedy, exact match.
class DemoAccuracyIT {
    private static final ObjectMapper JSON = new ObjectMapper();

    /// What llama.cpp answers right with the same file, and how far from it we may be.
    private static final double CARD = 0.977;

    private static final double TOLERANCE = 0.01;
    private static final int CONCURRENCY = 32;

    @Test
    void answersTheCardsQuestionsAsItsCardSays() throws IOException, InterruptedException, ExecutionException {
        List<String> questions = Files.readAllLines(Path.of("src/test/resources/demo/eval.jsonl"));
        Semaphore permits = new Semaphore(CONCURRENCY);
        List<Future<Boolean>> answers = new ArrayList<>();

        try (PackagedServer server = PackagedServer.start();
                ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
            for (String question : questions) {
                answers.add(executor.submit(() -> isRight(server, permits, question)));
            }
            int right = 0;
            for (Future<Boolean> answer : answers) {
                right += answer.get() ? 1 : 0;
            }

            assertThat(questions).hasSize(750);
            assertThat((double) right / questions.size()).isBetween(CARD - TOLERANCE, CARD + TOLERANCE);
        }
    }

    @Test
    void knowsTheCapitalOfNorway() throws IOException, InterruptedException {
        try (PackagedServer server = PackagedServer.start()) {
            assertThat(answer(server, "What is the capital of Norway?")).isEqualTo("The capital of Norway is Oslo.");
        }
    }

    private static boolean isRight(PackagedServer server, Semaphore permits, String line)
            throws IOException, InterruptedException {
        JsonNode question = JSON.readTree(line);
        permits.acquire();
        try {
            return answer(server, question.path("prompt").asText())
                    .equals(question.path("answer").asText());
        } finally {
            permits.release();
        }
    }

    private static String answer(PackagedServer server, String prompt) throws IOException, InterruptedException {
        String body = JSON.writeValueAsString(Map.of(
                "model", "demo", "temperature", 0, "messages", List.of(Map.of("role", "user", "content", prompt))));
        HttpResponse<String> response = server.post("/v1/chat/completions", body);
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        return JSON.readTree(response.body()).at("/choices/0/message/content").asText();
    }
}
