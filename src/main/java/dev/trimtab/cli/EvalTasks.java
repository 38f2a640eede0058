package dev.trimtab.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.trimtab.checkpoint.Metadata;
import dev.trimtab.error.InvalidRequest;
import dev.trimtab.error.NotFound;
import dev.trimtab.quality.TaskProbe.Task;
import dev.trimtab.tokenizer.Tokenizer;
import dev.trimtab.variant.Prompts;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// The questions of `--tasks FILE.jsonl`: an object a line, with `prompt` and `answer`.
final class EvalTasks {
    private static final int TASKS_MAX = 100_000;
    private static final long BYTES_MAX = 64L << 20;

    private EvalTasks() {}

    /// @throws InvalidRequest naming the line that is no question
    static List<Task> read(Path file, Metadata metadata, Tokenizer tokenizer) throws IOException {
        if (!Files.isRegularFile(file)) {
            throw new NotFound("no tasks at " + file);
        }
        if (Files.size(file) > BYTES_MAX) {
            throw InvalidRequest.of("--tasks " + file + ": at most " + BYTES_MAX + " bytes expected");
        }
        List<String> lines = Files.readAllLines(file);
        ObjectMapper mapper = new ObjectMapper();
        List<Task> tasks = new ArrayList<>();
        for (int i = 0; i < lines.size(); i++) {
            if (!lines.get(i).isBlank()) {
                JsonNode line = parse(mapper, lines.get(i), file + ":" + (i + 1));
                int[] prompt = Prompts.question(
                        metadata, tokenizer, line.path("prompt").asText());
                tasks.add(new Task(prompt, line.path("answer").asText()));
            }
        }
        if (tasks.isEmpty() || tasks.size() > TASKS_MAX) {
            throw InvalidRequest.of(file + ": 1.." + TASKS_MAX + " questions expected, found " + tasks.size());
        }
        return tasks;
    }

    private static JsonNode parse(ObjectMapper mapper, String line, String where) {
        try {
            JsonNode parsed = mapper.readTree(line);
            if (parsed.path("prompt").isTextual() && parsed.path("answer").isTextual()) {
                return parsed;
            }
        } catch (JsonProcessingException e) {
            throw InvalidRequest.of(where + ": no JSON: " + e.getOriginalMessage());
        }
        throw InvalidRequest.of(where + ": an object with the texts `prompt` and `answer` expected");
    }
}
