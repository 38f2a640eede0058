package dev.trimtab.checkpoint.huggingface;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.checkpoint.Metadata;
import dev.trimtab.checkpoint.TestCheckpoints;
import dev.trimtab.checkpoint.safetensors.SafetensorsReader;
import dev.trimtab.checkpoint.safetensors.TestSafetensors;
import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.NotFound;
import dev.trimtab.error.Unsupported;
import dev.trimtab.tensor.Dequantizer;
import dev.trimtab.tensor.Encoding;
import dev.trimtab.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ModelFolderTest {
    @TempDir
    private Path folder;

    @Test
    void givesTheKeysAndNamesThatGgufHasForTheSameModel() {
        Checkpoint gguf =
                TestCheckpoints.llama().untied().encoding(Encoding.BF16).open();

        try (Checkpoint checkpoint = Checkpoint.open(TestSafetensors.llama(gguf, folder))) {
            assertThat(checkpoint.tensors().keySet()).isEqualTo(gguf.tensors().keySet());
            assertThat(checkpoint
                            .tensor("blk.1.ffn_down.weight")
                            .data()
                            .mismatch(gguf.tensor("blk.1.ffn_down.weight").data()))
                    .isEqualTo(-1);
            for (String key : List.of("embedding_length", "block_count", "attention.head_count_kv", "vocab_size")) {
                assertThat(checkpoint.metadata().find("llama." + key))
                        .isPresent()
                        .isEqualTo(gguf.metadata().find("llama." + key));
            }
            assertThat(checkpoint.metadata().number("llama.attention.layer_norm_rms_epsilon"))
                    .isEqualTo(gguf.metadata().number("llama.attention.layer_norm_rms_epsilon"));
            assertThat(checkpoint.metadata().integer("llama.attention.key_length"))
                    .isEqualTo(16);
            assertThat(checkpoint.metadata().string(Metadata.ROPE_PAIRING)).isEqualTo("halves");
        }
    }

    @Test
    void findsTensorsByEitherName() {
        Checkpoint gguf = TestCheckpoints.llama().open();

        assertThat(gguf.find("model.layers.1.self_attn.q_proj.weight")).contains(gguf.tensor("blk.1.attn_q.weight"));
        assertThat(gguf.find("model.layers.7.self_attn.q_proj.weight")).isEmpty();
    }

    @Test
    void takesTheHeadForTheEmbeddingWhereOnlyItIsStored() throws IOException {
        TestSafetensors.llama(TestCheckpoints.llama().open(), folder);
        List<Tensor> stored = new ArrayList<>();
        try (Checkpoint tied = Checkpoint.open(folder)) {
            tied.tensors()
                    .forEach((name, tensor) -> stored.add(new Tensor(
                            name.replace("token_embd", "lm_head"), tensor.encoding(), tensor.shape(), tensor.data())));
            Files.write(folder.resolve("other.safetensors"), TestSafetensors.bytes(stored));
        }

        try (Checkpoint checkpoint = Checkpoint.open(folder.resolve("other.safetensors"))) {
            assertThat(checkpoint.tensors()).containsKey("token_embd.weight").doesNotContainKey("output.weight");
        }
    }

    @Test
    void joinsTheFilesThatAnIndexNames() throws IOException {
        Checkpoint gguf = TestCheckpoints.llama().open();
        shard(TestSafetensors.llama(gguf, folder));

        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            assertThat(checkpoint.tensors()).containsOnlyKeys(gguf.tensors().keySet());
        }
    }

    @Test
    void saysWhichFileOfAnIndexIsMissingOrLacksATensor() throws IOException {
        shard(TestSafetensors.llama(TestCheckpoints.llama().open(), folder));
        Path index = folder.resolve("model.safetensors.index.json");
        Files.writeString(index, Files.readString(index).replaceFirst("shard-1", "shard-0"));

        assertThatThrownBy(() -> Checkpoint.open(folder))
                .isInstanceOf(BadCheckpoint.class)
                .hasMessageContaining("shard-0.safetensors: tensor model.");
        Files.delete(folder.resolve("shard-1.safetensors"));
        assertThatThrownBy(() -> Checkpoint.open(folder))
                .isInstanceOf(NotFound.class)
                .hasMessageContaining("shard-1.safetensors");
    }

    @ParameterizedTest
    @ValueSource(strings = {"../model.safetensors", "/etc/passwd", "a/b.safetensors", "..", "", "a\\\\b"})
    void refusesAnIndexThatLeavesItsFolder(String name) throws IOException {
        Files.writeString(
                folder.resolve("model.safetensors.index.json"), "{\"weight_map\": {\"a\": \"" + name + "\"}}");

        assertThatThrownBy(() -> Checkpoint.open(folder))
                .isInstanceOf(BadCheckpoint.class)
                .hasMessageContaining("names of files beside it");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "\"model_type\": \"llama\" | \"model_type\": \"mamba\" | model type mamba",
                "\"silu\" | \"relu\" | hidden_act relu",
                "null | {\"rope_type\": \"dynamic\"} | rope scaling dynamic",
                "\"rope_scaling\": null | \"quantization_config\": {\"quant_method\": \"gptq\"} | quantized by gptq",
            })
    void refusesWhatItWouldMisread(String from, String to, String message) throws IOException {
        TestSafetensors.llama(TestCheckpoints.llama().open(), folder);
        replaceInConfig(from, to);

        assertThatThrownBy(() -> Checkpoint.open(folder))
                .isInstanceOf(Unsupported.class)
                .hasMessageContaining(message);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "\"hidden_size\": 64 | \"hidden_size\": \"64\" | hidden_size: expected an integer, found \"64\"",
                "\"hidden_size\": 64 | \"hidden_size\": 0 | expected an integer in 1..",
                "\"hidden_size\": 64, | \"hidden_size\": 64, \"hidden_size\": 64, | not JSON",
                "\"model_type\": \"llama\", | '' | model_type: expected a value, found none",
            })
    void saysWhatIsWrongInAConfiguration(String from, String to, String message) throws IOException {
        TestSafetensors.llama(TestCheckpoints.llama().open(), folder);
        replaceInConfig(from, to);

        assertThatThrownBy(() -> Checkpoint.open(folder))
                .isInstanceOf(BadCheckpoint.class)
                .hasMessageContaining("config.json")
                .hasMessageContaining(message);
    }

    /// Figures of Llama 3.1 8B (theta 500,000, heads of 128), computed by its formula elsewhere.
    @Test
    void makesLlama3sScalingATensorOfDivisors() throws IOException {
        TestSafetensors.llama(
                TestCheckpoints.llama().hiddenSize(256).heads(2, 2).open(), folder);
        replaceInConfig("10000.0", "500000.0");
        replaceInConfig(
                "\"rope_scaling\": null",
                "\"rope_scaling\": {\"factor\": 8.0, \"low_freq_factor\": 1.0, \"high_freq_factor\": 4.0, "
                        + "\"original_max_position_embeddings\": 8192, \"rope_type\": \"llama3\"}");

        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            Tensor factors = checkpoint.tensor("rope_freqs.weight");
            float[] divisors = new float[64];
            Dequantizer.decodeRow(factors, 0, divisors, 0);

            assertThat(divisors).startsWith(1, 1, 1).endsWith(8, 8, 8);
            assertThat(divisors[28]).isEqualTo(1);
            assertThat(divisors[29]).isCloseTo(1.2075f, within(1e-4f));
            assertThat(divisors[34]).isCloseTo(5.2573f, within(1e-4f));
            assertThat(divisors[35]).isEqualTo(8);
        }
    }

    @Test
    void handsOnTheTokenizerAndTheTemplate() throws IOException {
        TestSafetensors.llama(TestCheckpoints.llama().open(), folder);
        Files.writeString(folder.resolve("tokenizer.json"), "{\"version\": \"1.0\"}");
        Files.writeString(
                folder.resolve("tokenizer_config.json"), "{\"chat_template\": \"old\", \"add_bos_token\": true}");

        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            assertThat(checkpoint.metadata().string("tokenizer.huggingface.json"))
                    .startsWith("{\"version\"");
            assertThat(checkpoint.metadata().string("tokenizer.chat_template")).isEqualTo("old");
            assertThat(checkpoint.metadata().flag("tokenizer.ggml.add_bos_token", false))
                    .isTrue();
        }
        Files.writeString(folder.resolve("chat_template.jinja"), "new");
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            assertThat(checkpoint.metadata().string("tokenizer.chat_template")).isEqualTo("new");
        }
    }

    private void replaceInConfig(String from, String to) throws IOException {
        Path config = folder.resolve("config.json");
        String text = Files.readString(config);
        assertThat(text).contains(from);
        Files.writeString(config, text.replace(from, to));
    }

    /// Splits the folder's file of weights into two and an index.
    private static void shard(Path folder) throws IOException {
        Path single = folder.resolve("model.safetensors");
        List<Tensor> tensors =
                new ArrayList<>(SafetensorsReader.read("t", MemorySegment.ofArray(Files.readAllBytes(single)))
                        .tensors()
                        .values());
        StringBuilder map = new StringBuilder();
        for (int shard = 0; shard < 2; shard++) {
            String name = "shard-" + shard + ".safetensors";
            List<Tensor> part = tensors.subList(shard * tensors.size() / 2, (shard + 1) * tensors.size() / 2);
            Files.write(folder.resolve(name), TestSafetensors.bytes(part));
            part.forEach(tensor ->
                    map.append(map.isEmpty() ? "" : ", ").append("\"%s\": \"%s\"".formatted(tensor.name(), name)));
        }
        Files.writeString(
                folder.resolve("model.safetensors.index.json"),
                "{\"metadata\": {\"total_size\": 1}, \"weight_map\": {" + map + "}}");
        Files.delete(single);
    }
}
