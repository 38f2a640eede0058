package dev.trimtab.api.openai;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trimtab.SharedData;
import dev.trimtab.api.http.JsonWriter;
import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.engine.TokenEvent.Logprobs;
import dev.trimtab.tokenizer.Tokenizer;
import dev.trimtab.tokenizer.Tokenizer.ControlTokens;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/// Offsets with a tokenizer that puts a space before a text.
class LogprobFieldsTest {
    // The tokens are a space, "On", "ce ", "upon a tim" and "e": the space is not text.
    @Test
    void offsetsAreThoseOfTheEchoedText() {
        try (Checkpoint checkpoint =
                Checkpoint.open(SharedData.path("models/TinyStories-656K/TinyStories-656K.Q4_0.gguf"))) {
            Tokenizer tokenizer = Tokenizer.of(checkpoint.metadata());
            List<Logprobs> tokens = Arrays.stream(tokenizer.encode("Once upon a time", ControlTokens.AS_TEXT))
                    .mapToObj(LogprobFields::unscored)
                    .toList();
            JsonWriter json = new JsonWriter(256);

            LogprobFields.ofEcho(tokenizer).text(json, tokens);

            assertThat(json.take().toString()).endsWith("\"text_offset\":[0,0,2,5,15]}");
        }
    }
}
