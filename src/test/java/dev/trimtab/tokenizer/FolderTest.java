package dev.trimtab.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trimtab.SharedData;
import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.checkpoint.Metadata;
import dev.trimtab.checkpoint.TestCheckpoints;
import dev.trimtab.checkpoint.safetensors.TestSafetensors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// What serving takes from the files beside the weights of a Hugging Face folder.
class FolderTest {
    private static final String TOKENIZER = "{\"added_tokens\": [{\"id\": 2, \"content\": \"<s>\", \"special\": true}, "
            + "{\"id\": 3, \"content\": \"</e>\", \"special\": true}], \"model\": {\"type\": \"BPE\", "
            + "\"vocab\": {\"a\": 0, \"b\": 1}, \"merges\": []}}";

    @TempDir
    private Path folder;

    @Test
    void readsTheFilesBesideTheWeights() throws IOException {
        TestSafetensors.llama(TestCheckpoints.llama().untied().open(), folder);
        write("tokenizer.json", TOKENIZER);
        write(
                "tokenizer_config.json",
                "{\"add_bos_token\": true, \"bos_token\": {\"content\": \"<s>\"}, \"eos_token\": \"</e>\", "
                        + "\"chat_template\": [{\"name\": \"tool_use\", \"template\": \"T\"}, "
                        + "{\"name\": \"default\", \"template\": \"D\"}]}");
        write("generation_config.json", "{\"eos_token_id\": [3, 1], \"temperature\": 0.6, \"top_k\": 20}");

        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            Metadata metadata = checkpoint.metadata();
            Tokenizer tokenizer = Tokenizer.of(metadata);

            assertThat(metadata.string("tokenizer.chat_template")).isEqualTo("D");
            assertThat(metadata.number("general.sampling.temp")).isEqualTo(0.6);
            assertThat(metadata.number("general.sampling.top_k")).isEqualTo(20);
            assertThat(tokenizer.vocabulary().bos()).hasValue(2);
            assertThat(tokenizer.vocabulary().eos()).hasValue(3);
            assertThat(tokenizer.vocabulary().endOfGeneration()).contains(1, 3);
            assertThat(tokenizer.encodePrompt("ab", Tokenizer.ControlTokens.PARSE))
                    .containsExactly(2, 0, 1);
        }
    }

    @Test
    void takesNoSamplingFromMakersWhoSayNotToSample() throws IOException {
        TestSafetensors.llama(TestCheckpoints.llama().untied().open(), folder);
        write("generation_config.json", "{\"do_sample\": false, \"temperature\": 0.6, \"top_p\": null}");

        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            assertThat(checkpoint.metadata().values().keySet()).noneMatch(key -> key.startsWith("general.sampling."));
        }
    }

    private void write(String name, String text) throws IOException {
        Files.writeString(folder.resolve(name), text);
    }

    @ParameterizedTest
    @CsvSource({
        "models/demo/hf, models/demo/trimtab-demo-4m-f16.gguf",
        "models/TinyStories-656K, models/TinyStories-656K/TinyStories-656K.F32.gguf"
    })
    void agreesWithTheGgufOfTheSameModel(String relative, String gguf) {
        Tokenizer expected = Vocabularies.gguf(gguf);
        String text = "<s>Once upon a time, a  dog said: \"Ünï\" 123!\n<|im_end|>";

        try (Checkpoint checkpoint = Checkpoint.open(SharedData.path(relative))) {
            Tokenizer tokenizer = Tokenizer.of(checkpoint.metadata());
            int[] ids = tokenizer.encodePrompt(text, Tokenizer.ControlTokens.PARSE);

            assertThat(ids).isEqualTo(expected.encodePrompt(text, Tokenizer.ControlTokens.PARSE));
            assertThat(tokenizer.decode(ids)).isEqualTo(expected.decode(ids));
            assertThat(tokenizer.vocabulary().endOfGeneration())
                    .contains(expected.vocabulary().endOfGeneration());
            assertThat(tokenizer.vocabulary().bos())
                    .isEqualTo(expected.vocabulary().bos());
            assertThat(tokenizer.vocabulary().eos())
                    .isEqualTo(expected.vocabulary().eos());
        }
    }
}
