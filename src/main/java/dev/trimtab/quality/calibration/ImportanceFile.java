package dev.trimtab.quality.calibration;

import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.checkpoint.cache.Digest;
import dev.trimtab.compress.calibration.CalibrationSource;
import dev.trimtab.compress.calibration.Covariance;
import dev.trimtab.compress.calibration.InputStatistics;
import dev.trimtab.compress.calibration.Inputs;
import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.BadConfiguration;
import dev.trimtab.tensor.Dequantizer;
import dev.trimtab.tensor.Encoding;
import dev.trimtab.tensor.Tensor;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/// An importance matrix that llama.cpp made (`llama-imatrix`, GGUF layout): statistics without covariances.
///
/// 1. `general.type` is `imatrix`;
/// 2. for each matrix a tensor `NAME.in_sum2`, f32, `[matrices, columns]`: `sum_t x_tj^2` over the vectors that
///    met it, one row for each expert of a stack;
/// 3. and `NAME.counts`, f32, `[matrices, 1]`: how many vectors that were.
///
/// It knows squares only. The mean is given as 0, so that a variance is the mean square, and the mean magnitude as
/// that of normal numbers of the same square, `sqrt(2 / pi)` of the root.
public final class ImportanceFile implements CalibrationSource {
    private static final String SUMS = ".in_sum2";
    private static final String COUNTS = ".counts";
    private static final double MAGNITUDE_OF_NORMAL = Math.sqrt(2 / Math.PI);

    private final String source;
    private final Map<String, InputStatistics> statistics;
    private final String digest;

    private ImportanceFile(String source, Map<String, InputStatistics> statistics, String digest) {
        this.source = source;
        this.statistics = statistics;
        this.digest = digest;
    }

    /// @throws BadCheckpoint when it is no importance matrix, or contradicts itself
    /// @throws dev.trimtab.error.NotFound when there is no such file
    public static ImportanceFile open(Path path) {
        try (Checkpoint file = Checkpoint.open(path)) {
            return file.reading(() -> of(file));
        }
    }

    private static ImportanceFile of(Checkpoint file) {
        String source = file.metadata().source();
        String type = file.metadata().string("general.type", "none");
        if (!type.equals("imatrix")) {
            throw BadCheckpoint.mismatch(source + ": general.type", "imatrix", type);
        }
        Map<String, InputStatistics> statistics = new LinkedHashMap<>();
        Digest digest = new Digest("importance", 1);
        file.tensors().forEach((name, sums) -> {
            if (name.endsWith(SUMS)) {
                String matrix = name.substring(0, name.length() - SUMS.length());
                InputStatistics found = statistics(source, sums, file.tensor(matrix + COUNTS));
                statistics.put(matrix, found);
                digest.add(matrix).add(found.tokens());
                for (float square : found.meanSquare()) {
                    digest.add(Float.floatToRawIntBits(square));
                }
            }
        });
        if (statistics.isEmpty()) {
            throw BadCheckpoint.mismatch(source, "tensors named *" + SUMS, "none");
        }
        return new ImportanceFile(source, statistics, digest.hex());
    }

    private static InputStatistics statistics(String source, Tensor sums, Tensor counts) {
        long matrices = sums.shape().rows();
        boolean isShaped = sums.encoding() == Encoding.F32
                && counts.encoding() == Encoding.F32
                && counts.shape().elements() == matrices;
        if (!isShaped) {
            throw BadCheckpoint.mismatch(
                    source + ": " + sums.name(),
                    "f32, and as many counts in f32 as rows",
                    sums.encoding() + " " + sums.shape() + ", " + counts.encoding() + " " + counts.shape());
        }
        float[] row = new float[Math.toIntExact(sums.shape().columns())];
        double[] total = new double[row.length];
        double count = 0;
        float[] met = new float[Math.toIntExact(matrices)];
        Dequantizer.decode(Encoding.F32, counts.data(), 0, met, 0, met.length);
        for (int matrix = 0; matrix < matrices; matrix++) {
            Dequantizer.decodeRow(sums, matrix, row, 0);
            count += met[matrix];
            for (int j = 0; j < row.length; j++) {
                total[j] += row[j];
            }
        }
        return means(source + ": " + sums.name(), total, count);
    }

    private static InputStatistics means(String where, double[] total, double count) {
        if (!(count > 0 && Double.isFinite(count))) {
            throw BadCheckpoint.mismatch(where, "a positive count of vectors", count);
        }
        float[] meanSquare = new float[total.length];
        float[] magnitude = new float[total.length];
        for (int j = 0; j < total.length; j++) {
            if (!(total[j] >= 0 && Double.isFinite(total[j]))) {
                throw BadCheckpoint.mismatch(where + ", column " + j, "a sum of squares", total[j]);
            }
            meanSquare[j] = (float) (total[j] / count);
            magnitude[j] = (float) (MAGNITUDE_OF_NORMAL * Math.sqrt(total[j] / count));
        }
        return new InputStatistics((long) count, new float[total.length], meanSquare, magnitude);
    }

    @Override
    public Inputs inputs(String tensor) {
        InputStatistics found = statistics.get(statistics.containsKey(tensor) ? tensor : SharedInput.watched(tensor));
        if (found == null) {
            throw lacks("anything about " + tensor);
        }
        return new Inputs() {
            @Override
            public InputStatistics statistics() {
                return found;
            }

            @Override
            public Covariance covariance() {
                throw lacks("the covariance of the input of " + tensor);
            }
        };
    }

    @Override
    public float[] nearZero(String tensor, float epsilon) {
        throw lacks("how often inputs of " + tensor + " are near zero");
    }

    @Override
    public Influence influence(int layer) {
        throw lacks("the influence of layer " + layer);
    }

    private BadConfiguration lacks(String what) {
        return new BadConfiguration(
                source + " is an importance matrix and does not hold " + what + "; calibrate with a text instead");
    }

    @Override
    public String digest() {
        return digest;
    }
}
