package dev.trimtab.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trimtab.tensor.Dequantizer;
import dev.trimtab.tensor.Encoding;
import dev.trimtab.tensor.Tensor;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class TestCheckpointsTest {
    @ParameterizedTest
    @EnumSource(
            mode = EnumSource.Mode.EXCLUDE,
            names = {
                "I8",
                "I16",
                "I32",
                "I64",
                "F64",
                "Q8_1",
                "Q8_K",
                "IQ1_M",
                "MXFP4",
                "NVFP4",
                "U8",
                "U16",
                "U32",
                "U64",
                "BOOL",
                "C64",
                "F8_E4M3",
                "F8_E5M2",
                "F8_E4M3FNUZ",
                "F8_E5M2FNUZ",
                "F8_E8M0",
                "F6_E2M3",
                "F6_E3M2",
                "F4",
                "INT2",
                "INT2_MINIMUM",
                "INT3",
                "INT3_MINIMUM",
                "INT6",
                "INT6_MINIMUM",
                "INT8_MINIMUM",
                "MXFP8_E4M3",
                "MXFP8_E5M2"
            })
    void hasWeightsOfTheDeviationThatKeepsActivationsLevel(Encoding encoding) {
        Checkpoint checkpoint = TestCheckpoints.llama()
                .hiddenSize(256)
                .intermediateSize(256)
                .encoding(encoding)
                .open();

        Tensor tensor = checkpoint.tensor("blk.1.attn_output.weight");
        float[] row = new float[256];
        double squares = 0;
        for (int i = 0; i < tensor.shape().rows(); i++) {
            Dequantizer.decodeRow(tensor, i, row, 0);
            for (float weight : row) {
                squares += (double) weight * weight;
            }
        }

        assertThat(tensor.encoding()).isEqualTo(encoding);
        assertThat(squares / tensor.shape().rows()).isCloseTo(1.0, Percentage.withPercentage(5));
    }

    @Test
    void isTheSameForTheSameSeedAndOtherForAnother() {
        byte[] bytes = TestCheckpoints.llama().bytes();

        assertThat(TestCheckpoints.llama().bytes()).isEqualTo(bytes);
        assertThat(TestCheckpoints.llama().seed(2).bytes()).hasSameSizeAs(bytes).isNotEqualTo(bytes);
    }

    @Test
    void hasAVocabularyWithATokenForEveryByte() {
        Metadata metadata = TestCheckpoints.llama().vocabSize(300).open().metadata();

        assertThat(metadata.strings("tokenizer.ggml.tokens"))
                .hasSize(300)
                .doesNotHaveDuplicates()
                .contains("Ā", "Ġ", "Ġthe", "<|im_end|>");
        assertThat(metadata.integers("tokenizer.ggml.token_type")).hasSize(300).contains(1, 3, 5);
    }
}
