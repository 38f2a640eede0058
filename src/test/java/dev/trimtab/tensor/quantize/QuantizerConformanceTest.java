package dev.trimtab.tensor.quantize;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import dev.trimtab.SharedData;
import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.tensor.Dequantizer;
import dev.trimtab.tensor.Encoding;
import dev.trimtab.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/// Our encoders on the real matrix that ggml's were measured on: no more error than ggml's, with its
/// importance of columns and without.
class QuantizerConformanceTest {
    /// The listed errors of plain floats are ours to the last bit of a sum.
    private static final double ROUNDING = 1e-9;

    /// A line of the list of ggml's errors, `sqrt(sum (w - decoded)^2 / sum w^2)`.
    private record Listed(Encoding encoding, boolean hasImportance, double error) {
        String tensor() {
            return "q." + encoding.name().toLowerCase(Locale.ROOT) + (hasImportance ? ".imat" : "");
        }
    }

    @TestFactory
    Stream<DynamicTest> isAtLeastAsCloseAsGgml() throws IOException {
        Checkpoint checkpoint = Checkpoint.open(SharedData.path("vectors/gguf/ggml_quant_vectors.gguf"));
        List<Listed> cases = listed().stream()
                .filter(listed -> Quantizer.canEncode(listed.encoding()))
                .toList();

        assertThat(cases).hasSize(26);
        return cases.stream()
                .map(listed -> DynamicTest.dynamicTest(listed.tensor(), () -> check(checkpoint, listed)))
                .onClose(checkpoint::close);
    }

    private static void check(Checkpoint checkpoint, Listed listed) {
        float[] weights = values(checkpoint.tensor("ref.f32"));
        float[] importance = values(checkpoint.tensor("imatrix.f32"));
        float[] ones = new float[importance.length];
        Arrays.fill(ones, 1);

        float[] decoded = decodedRows(listed.encoding(), weights, listed.hasImportance() ? importance : ones);

        float[] theirs = values(checkpoint.tensor("d" + listed.tensor()));
        assertThat(QuantizerTest.error(weights, decoded, ones)).isLessThanOrEqualTo(listed.error() * (1 + ROUNDING));
        if (listed.hasImportance()) {
            assertThat(QuantizerTest.error(weights, decoded, importance))
                    .isLessThanOrEqualTo(QuantizerTest.error(weights, theirs, importance));
        }
    }

    private static float[] decodedRows(Encoding encoding, float[] weights, float[] importance) {
        int columns = importance.length;
        byte[] bytes = new byte[Math.toIntExact(encoding.sizeBytes(weights.length))];
        MemorySegment out = MemorySegment.ofArray(bytes);
        for (int from = 0; from < weights.length; from += columns) {
            float[] row = Arrays.copyOfRange(weights, from, from + columns);
            Quantizer.encode(encoding, row, importance, out, encoding.sizeBytes(from));
        }
        float[] decoded = new float[weights.length];
        Dequantizer.decode(encoding, out, 0, decoded, 0, decoded.length);
        return decoded;
    }

    private static float[] values(Tensor tensor) {
        float[] values = new float[Math.toIntExact(tensor.shape().elements())];
        Dequantizer.decode(tensor.encoding(), tensor.data(), 0, values, 0, values.length);
        return values;
    }

    private static List<Listed> listed() throws IOException {
        List<Listed> listed = new ArrayList<>();
        try (JsonParser parser = new JsonFactory()
                .createParser(
                        SharedData.path("vectors/gguf/ggml_quant_vectors.json").toFile())) {
            Encoding encoding = Encoding.F32;
            boolean hasImportance = false;
            while (parser.nextToken() != null) {
                if (!parser.currentToken().isScalarValue()) {
                    continue;
                }
                switch (String.valueOf(parser.currentName())) {
                    case "type" -> encoding = Encoding.valueOf(parser.getText());
                    case "imatrix" -> hasImportance = parser.getBooleanValue();
                    case "rel_err" -> listed.add(new Listed(encoding, hasImportance, parser.getDoubleValue()));
                    default -> {}
                }
            }
        }
        return listed;
    }
}
