package dev.trimtab.checkpoint.safetensors;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trimtab.SharedData;
import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.tensor.Dequantizer;
import dev.trimtab.tensor.Encoding;
import dev.trimtab.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Files that others wrote in Hugging Face's layout.
class SafetensorsConformanceTest {
    @ParameterizedTest
    @CsvSource({
        "tensor-1d-int32.safetensors, I32, 1",
        "tensor-2d-float64.safetensors, F64, 2",
        "tensor-3d-float32.safetensors, F32, 3",
        "tensor-4d-float32.safetensors, F32, 4",
    })
    void readsTensorsOfEachRank(String file, Encoding encoding, int rank) {
        Path path = SharedData.path("vectors/safetensors").resolve(file);

        try (Checkpoint checkpoint = Checkpoint.open(path)) {
            Tensor tensor = checkpoint.tensors().values().iterator().next();
            float[] values = new float[Math.toIntExact(tensor.shape().elements())];
            Dequantizer.decode(tensor.encoding(), tensor.data(), 0, values, 0, values.length);

            assertThat(tensor.encoding()).isEqualTo(encoding);
            assertThat(tensor.shape().rank()).isEqualTo(rank);
            assertThat(values).isNotEmpty();
        }
    }

    @Test
    void findsTheSameWeightsAsInTheSameModelsGguf() {
        Path gguf = SharedData.path("models/demo/trimtab-demo-4m-f16.gguf");
        Path folder = SharedData.path("models/demo/hf");

        try (Checkpoint ours = Checkpoint.open(folder);
                Checkpoint theirs = Checkpoint.open(gguf)) {
            assertThat(ours.tensors()).containsOnlyKeys(theirs.tensors().keySet());
            assertThat(ours.metadata().string("tokenizer.chat_template"))
                    .isEqualTo(theirs.metadata().string("tokenizer.chat_template"));
            theirs.tensors()
                    .values()
                    .forEach(tensor -> assertThat(values(ours.tensor(tensor.name())))
                            .as(tensor.name())
                            .isEqualTo(rounded(values(inHalves(tensor)))));
        }
    }

    @ParameterizedTest
    @CsvSource({
        "models/TinyStories-656K, llama, 2048, 128, 20",
        "models/mini_bit_3M, bitnet, 512, 256, 90",
        "models/TinyStories-656K/model.safetensors, llama, 2048, 128, 20"
    })
    void readsRealModels(String model, String family, long vocabSize, long hiddenSize, int tensors) {
        Path path = SharedData.path(model);

        try (Checkpoint checkpoint = Checkpoint.open(path)) {
            assertThat(checkpoint.metadata().string("general.architecture")).isEqualTo(family);
            assertThat(checkpoint.metadata().integer(family + ".embedding_length"))
                    .isEqualTo(hiddenSize);
            assertThat(checkpoint.tensors()).hasSize(tensors);
            assertThat(checkpoint.tensor("token_embd.weight").shape().extents()).containsExactly(vocabSize, hiddenSize);
        }
    }

    private static Tensor inHalves(Tensor tensor) {
        if (!tensor.name().matches(".*attn_[qk].weight")) {
            return tensor;
        }
        MemorySegment data = TestSafetensors.halves(tensor, tensor.shape().rows() / 32);
        return new Tensor(tensor.name(), tensor.encoding(), tensor.shape(), data);
    }

    /// To F16, in which Hugging Face's layout of the model has its norms too.
    private static float[] rounded(float[] values) {
        float[] rounded = new float[values.length];
        for (int i = 0; i < values.length; i++) {
            rounded[i] = Float.float16ToFloat(Float.floatToFloat16(values[i]));
        }
        return rounded;
    }

    private static float[] values(Tensor tensor) {
        float[] values = new float[Math.toIntExact(tensor.shape().elements())];
        Dequantizer.decode(tensor.encoding(), tensor.data(), 0, values, 0, values.length);
        return values;
    }
}
