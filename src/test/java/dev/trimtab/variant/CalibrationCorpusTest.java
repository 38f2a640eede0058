package dev.trimtab.variant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.checkpoint.Metadata;
import dev.trimtab.checkpoint.TestCheckpoints;
import dev.trimtab.error.NotFound;
import dev.trimtab.quality.calibration.CalibrationText;
import dev.trimtab.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class CalibrationCorpusTest {
    private static final Path DEMO = Path.of("src/main/resources/models/demo.gguf");

    @Test
    void rendersChatsByTheModelsTemplate() {
        try (Checkpoint demo = Checkpoint.open(DEMO)) {
            Tokenizer tokenizer = Tokenizer.of(demo.metadata());

            List<String> documents = CalibrationCorpus.builtIn(demo.metadata(), tokenizer);

            assertThat(documents).hasSizeGreaterThan(80);
            assertThat(documents).anyMatch(text -> text.startsWith("Once upon a time there was a small boat"));
            assertThat(documents)
                    .filteredOn(text -> text.startsWith("<|im_start|>"))
                    .hasSizeGreaterThan(60)
                    .allMatch(text -> text.contains("<|im_start|>assistant\n"))
                    .anyMatch(text -> text.contains("Rain taps on the roof,\nthe garden opens its hands,\nnight"));
            assertThat(documents).noneMatch(text -> text.startsWith("user: "));
        }
    }

    @Test
    void isOfTheLengthThatCalibrationNeeds() {
        try (Checkpoint demo = Checkpoint.open(DEMO)) {
            Tokenizer tokenizer = Tokenizer.of(demo.metadata());
            List<String> documents = CalibrationCorpus.builtIn(demo.metadata(), tokenizer);

            CalibrationText whole = CalibrationText.of(tokenizer, documents, 1024, CalibrationText.TOKENS_DEFAULT);
            CalibrationText cut = CalibrationText.of(tokenizer, documents, 1024, 500);

            assertThat(whole.tokens()).isBetween(4000, CalibrationText.TOKENS_DEFAULT);
            assertThat(cut.tokens()).isBetween(490, 500);
            assertThat(cut.digest()).isNotEqualTo(whole.digest());
        }
    }

    /// The demo model's held-out questions stay held out.
    @Test
    void holdsNoHeldOutQuestion() throws IOException {
        String corpus = Files.readString(Path.of("src/main/resources/dev/trimtab/variant/calibration.txt"));

        for (String line : Files.readAllLines(Path.of("src/test/resources/demo/eval.jsonl"))) {
            String prompt = line.replaceFirst(".*\"prompt\": \"", "").replaceFirst("\", \"answer\".*", "");
            assertThat(corpus).doesNotContain("user: " + prompt + "\n");
        }
    }

    @Test
    void leavesChatsAsTheyStandWhereThereIsNoTemplate() {
        try (Checkpoint plain = TestCheckpoints.llama().open()) {
            Metadata without = new Metadata("none", Map.of());

            List<String> documents = CalibrationCorpus.builtIn(without, Tokenizer.of(plain.metadata()));

            assertThat(documents).anyMatch(text -> text.startsWith("user: "));
        }
    }

    @Test
    void saysThatThereIsNoSuchFile() {
        assertThatThrownBy(() -> CalibrationCorpus.file(Path.of("no-such-text.txt")))
                .isInstanceOf(NotFound.class)
                .hasMessageContaining("no-such-text.txt");
    }
}
