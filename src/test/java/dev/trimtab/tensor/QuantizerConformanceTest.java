package dev.trimtab.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import dev.trimtab.SharedData;
import dev.trimtab.checkpoint.Checkpoint;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/// Our encoders on the real matrix that ggml's were measured on: no more error than ggml's, with its
/// importance of columns and without.
class QuantizerConformanceTest {
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
        System.out.printf("XX %s ours %.6f listed %.6f ratio %.4f  weighted ours %.6f theirs %.6f%n", listed.tensor(), error(weights, decoded, ones), listed.error(), error(weights, decoded, ones)/listed.error(),
           error(weights, decoded, importance), error(weights, theirs, importance));
        assertThat(error(weights, decoded, ones)).isLessThanOrEqualTo(listed.error() * (1 + 1e-9));
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

    /// `sqrt(sum h (w - decoded)^2 / sum h w^2)`, h repeating with the columns.
    private static double error(float[] weights, float[] decoded, float[] importance) {
        double error = 0;
        double total = 0;
        for (int i = 0; i < weights.length; i++) {
            double difference = (double) weights[i] - decoded[i];
            error += importance[i % importance.length] * difference * difference;
            total += importance[i % importance.length] * (double) weights[i] * weights[i];
        }
        return Math.sqrt(error / total);
    }

    private static float[] values(Tensor tensor) {
        float[] values = new float[Math.toIntExact(tensor.shape().elements())];
        Dequantizer.decode(tensor.encoding(), tensor.data(), 0, values, 0, values.length);
        return values;
    }

    private static List<Listed> listed() throws IOException {
        List<Listed> listed = new ArrayList<>();
        try (JsonParser parser = new JsonFactory()
                .createParser(SharedData.path("vectors/gguf/ggml_quant_vectors.json").toFile())) {
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
