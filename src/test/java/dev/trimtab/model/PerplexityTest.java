package dev.trimtab.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.trimtab.SharedData;
import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.kernel.Activations;
import dev.trimtab.tokenizer.Tokenizer;
import dev.trimtab.tokenizer.Tokenizer.ControlTokens;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Trained checkpoints in every encoding against perplexities that llama.cpp and a float64 forward pass
/// measured (`models/reference_outputs.json`): tokenizer, dequantization and forward pass at once.
class PerplexityTest {
    /// Of the listed perplexity; llama.cpp's own activations are quantized at some encodings.
    private static final double TOLERANCE = 0.005;

    @ParameterizedTest
    @CsvSource({
        "stories260K/stories260Ktok512.gguf, 128, 5.1845",
        "stories260K/stories260K.F16.gguf, 128, 5.1843",
        "TinyStories-656K/TinyStories-656K.F32.gguf, 512, 37.7392",
        "TinyStories-656K/TinyStories-656K.F16.gguf, 512, 37.74",
        "TinyStories-656K/TinyStories-656K.BF16.gguf, 512, 37.7426",
        "TinyStories-656K/TinyStories-656K.Q8_0.gguf, 512, 37.7461",
        "TinyStories-656K/TinyStories-656K.Q4_0.gguf, 512, 40.9968"
    })
    void agreesWithLlamaCppInEveryEncoding(String file, int contextLength, double expected) throws IOException {
        Path path = SharedData.path("models/" + file);
        String text = Files.readString(SharedData.path("text/tinystories/ppl_ascii_200.txt"));

        try (Checkpoint checkpoint = Checkpoint.open(path);
                ModelRun run = ModelRun.of(checkpoint, ModelLoader.Options.EXACT)) {
            int[] ids = Tokenizer.of(checkpoint.metadata()).encodePrompt(text, ControlTokens.AS_TEXT);

            double perplexity = llamaPerplexity(run, ids, contextLength);

            assertThat(perplexity).isCloseTo(expected, within(TOLERANCE * expected));
        }
    }

    /// Of the two models with references only this one: the other lacks byte tokens, and its oracle counts
    /// each unknown character where SentencePiece counts a run of them once.
    @Test
    void agreesWithTheFloat64ForwardPassOnWholeStories() throws IOException {
        JsonNode golden = GoldenTest.reference("stories260K");
        Path file = SharedData.path("models/stories260K/stories260Ktok512.gguf");
        JsonNode stories = new ObjectMapper()
                .readTree(SharedData.path("text/tinystories/tinystories_1000.json")
                        .toFile());

        try (Checkpoint checkpoint = Checkpoint.open(file);
                ModelRun run = ModelRun.of(checkpoint, ModelLoader.Options.EXACT)) {
            Tokenizer tokenizer = Tokenizer.of(checkpoint.metadata());
            double nll = 0;
            int count = 0;
            for (int i = 0; i < 150; i++) {
                int[] ids = tokenizer.encodePrompt(stories.get(i).asText(), ControlTokens.AS_TEXT);
                int[] cut = Arrays.copyOf(ids, Math.min(ids.length, 512));
                nll += negativeLogLikelihood(run.restart(), cut, 0);
                count += cut.length - 1;
            }

            assertThat(count).isEqualTo(golden.path("tokens").asInt());
            assertThat(nll / count).isCloseTo(golden.path("mean_nll").asDouble(), within(1e-4));
        }
    }

    /// llama-perplexity's protocol: chunks of `contextLength` tokens, each beginning with BOS, scored from
    /// the middle on.
    private static double llamaPerplexity(ModelRun run, int[] ids, int contextLength) {
        double nll = 0;
        int count = 0;
        int first = contextLength / 2;
        for (int start = 0; start + contextLength <= ids.length; start += contextLength) {
            int[] chunk = Arrays.copyOfRange(ids, start, start + contextLength);
            chunk[0] = ids[0];
            nll += negativeLogLikelihood(run.restart(), chunk, first);
            count += contextLength - first - 1;
        }
        return Math.exp(nll / count);
    }

    /// `sum -log p(ids[i + 1] | ids[0..i])` for i from `first`.
    private static double negativeLogLikelihood(ModelRun run, int[] ids, int first) {
        Activations logits = run.append(ids);
        double sum = 0;
        for (int i = first; i + 1 < ids.length; i++) {
            int row = i * logits.stride();
            double max = Double.NEGATIVE_INFINITY;
            for (int j = 0; j < logits.columns(); j++) {
                max = Math.max(max, logits.values()[row + j]);
            }
            double total = 0;
            for (int j = 0; j < logits.columns(); j++) {
                total += Math.exp(logits.values()[row + j] - max);
            }
            sum += max + Math.log(total) - logits.values()[row + ids[i + 1]];
        }
        return sum;
    }
}
