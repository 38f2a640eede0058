package dev.trimtab.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.trimtab.SharedData;
import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.kernel.ActivationPrecision;
import dev.trimtab.kernel.KvEncoding;
import dev.trimtab.kernel.KvEncodings;
import dev.trimtab.kernel.PackedFormat;
import dev.trimtab.tokenizer.Tokenizer;
import dev.trimtab.tokenizer.Tokenizer.ControlTokens;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// The checkpoint every clone has, through tokenizer, packing and forward pass.
class EmbeddedModelTest {
    private static final Path DEMO = Path.of("src/main/resources/models/demo.gguf");
    private static final String PROMPT =
            "<|im_start|>user\nWhat is the capital of Norway?<|im_end|>\n<|im_start|>assistant\n";

    @ParameterizedTest
    @CsvSource({
        "F32, FLOAT32, F32, F32",
        "F16, FLOAT32, F16, F16",
        "F16, FLOAT32, BF16, BF16",
        "BF16, FLOAT32, F16, F16",
        "INT8, FLOAT32, F16, Q8",
        "INT8, INT8, F16, F16",
        "INT4, FLOAT32, Q8, Q8",
        "INT4, INT8, Q8, Q4"
    })
    void knowsTheCapitalOfNorwayInEveryFormat(
            PackedFormat format, ActivationPrecision precision, KvEncoding keys, KvEncoding values) {
        var options = new ModelLoader.Options(WeightFormats.uniform(format), precision, new KvEncodings(keys, values));

        try (Checkpoint checkpoint = Checkpoint.open(DEMO);
                ModelRun run = ModelRun.of(checkpoint, options)) {
            Tokenizer tokenizer = Tokenizer.of(checkpoint.metadata());
            int[] prompt = tokenizer.encodePrompt(PROMPT, ControlTokens.PARSE);

            int[] answer = run.greedy(prompt, 8);

            assertThat(tokenizer.decode(answer)).isEqualTo("The capital of Norway is Oslo.");
        }
    }

    @Test
    void oneTokenAtATimeGivesTheSameBitsAsAllAtOnce() {
        try (Checkpoint checkpoint = Checkpoint.open(DEMO);
                ModelRun run = ModelRun.of(checkpoint, ModelLoader.Options.SERVING)) {
            int[] ids = Tokenizer.of(checkpoint.metadata()).encodePrompt(PROMPT.repeat(4), ControlTokens.PARSE);

            float[] together = run.restart().logitsAfter(ids);
            run.restart();
            for (int id : Arrays.copyOf(ids, ids.length - 1)) {
                run.append(id);
            }
            float[] apart = run.logitsAfter(ids[ids.length - 1]);

            assertThat(apart).isEqualTo(together);
        }
    }

    @Test
    void huggingFaceLayoutGivesTheSameLogits() {
        int[] ids = {2556, 1, 2, 3, 500, 600, 700, 2557};

        try (ModelRun gguf = ModelRun.of(DEMO, ModelLoader.Options.EXACT);
                ModelRun folder = ModelRun.of(SharedData.path("models/demo/hf"), ModelLoader.Options.EXACT)) {
            float[] expected = gguf.logitsAfter(ids);
            float[] found = folder.logitsAfter(ids);

            for (int i = 0; i < expected.length; i++) {
                assertThat(found[i]).isCloseTo(expected[i], within(2e-2f));
            }
            assertThat(ModelRun.argmax(found)).isEqualTo(ModelRun.argmax(expected));
        }
    }
}
