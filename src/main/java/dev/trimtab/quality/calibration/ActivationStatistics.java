package dev.trimtab.quality.calibration;

import dev.trimtab.checkpoint.io.ByteReader;
import dev.trimtab.checkpoint.io.ByteWriter;
import dev.trimtab.compress.calibration.CalibrationSource.Influence;
import dev.trimtab.compress.calibration.InputStatistics;
import dev.trimtab.kernel.Activations;
import dev.trimtab.kernel.ComputePool;
import dev.trimtab.kernel.TokenBatch;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// What one pass over the text tells: the moments of each matrix's input and the influence of each layer. Kept on
/// disk as
///
/// 1. u64 count of matrices; for each its name, u64 tokens, u64 columns, and three arrays of f32: means, mean
///    squares, mean magnitudes;
/// 2. u64 count of layers; for each three f64: influence of the whole, of attention, of the feed-forward block.
///
/// @param inputs by the name of the watched matrix ([SharedInput])
record ActivationStatistics(Map<String, InputStatistics> inputs, List<Influence> influences) {
    /// Beyond what any checkpoint has; a corrupt count is caught by it.
    private static final int MATRICES_MAX = 1 << 20;

    private static final int NAME_BYTES_MAX = 1 << 10;
    private static final int COLUMNS_MAX = 1 << 24;
    private static final int LAYERS_MAX = 1 << 14;

    ActivationStatistics {
        inputs = Map.copyOf(inputs);
        influences = List.copyOf(influences);
    }

    /// Collects over one pass.
    static final class Collector implements PassObserver {
        private final ComputePool pool;
        private final Map<String, ColumnSums> sums = new LinkedHashMap<>();
        private final InfluenceSums influences = new InfluenceSums();

        Collector(ComputePool pool) {
            this.pool = pool;
        }

        @Override
        public void beginBatch(int index) {
            influences.endBatch();
        }

        @Override
        public void input(String name, Activations in) {
            if (SharedInput.isWatched(name)) {
                sums.computeIfAbsent(name, _ -> new ColumnSums(in.columns())).add(in, pool);
            }
        }

        @Override
        public boolean before(int layer, Half half, Activations hidden, TokenBatch batch) {
            influences.before(layer, hidden);
            return true;
        }

        @Override
        public void after(int layer, Half half, Activations hidden, TokenBatch batch) {
            influences.after(layer, half, hidden);
        }

        ActivationStatistics result() {
            Map<String, InputStatistics> means = new LinkedHashMap<>();
            sums.forEach((name, sum) -> means.put(name, sum.means(name)));
            return new ActivationStatistics(means, influences.means());
        }
    }

    byte[] toBytes() {
        ByteWriter out = new ByteWriter();
        out.int64(inputs.size());
        inputs.forEach((name, found) -> {
            out.string(name).int64(found.tokens()).int64(found.columns());
            write(out, found.mean());
            write(out, found.meanSquare());
            write(out, found.meanMagnitude());
        });
        out.int64(influences.size());
        for (Influence influence : influences) {
            write(out, influence.layer());
            write(out, influence.attention());
            write(out, influence.feedForward());
        }
        return out.toBytes();
    }

    private static void write(ByteWriter out, float[] values) {
        for (float value : values) {
            out.int32(Float.floatToRawIntBits(value));
        }
    }

    private static void write(ByteWriter out, double value) {
        out.int64(Double.doubleToRawLongBits(value));
    }

    /// @throws dev.trimtab.error.BadCheckpoint where the bytes are not these
    static ActivationStatistics read(ByteReader in) {
        Map<String, InputStatistics> inputs = new LinkedHashMap<>();
        int matrices = in.count("matrices", MATRICES_MAX, 3 * Long.BYTES);
        for (int i = 0; i < matrices; i++) {
            String name = in.strictString("matrix " + i, NAME_BYTES_MAX);
            long tokens = in.int64(name);
            int columns = in.count(name + " columns", COLUMNS_MAX, 3 * Float.BYTES);
            inputs.put(
                    name,
                    new InputStatistics(
                            tokens, floats(in, name, columns), floats(in, name, columns), floats(in, name, columns)));
        }
        List<Influence> influences = new ArrayList<>();
        int layers = in.count("layers", LAYERS_MAX, 3 * Double.BYTES);
        for (int i = 0; i < layers; i++) {
            influences.add(new Influence(real(in), real(in), real(in)));
        }
        return new ActivationStatistics(inputs, influences);
    }

    private static float[] floats(ByteReader in, String name, int count) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = Float.intBitsToFloat(in.int32(name));
            if (!Float.isFinite(values[i])) {
                throw in.mismatch(name, "finite numbers", values[i]);
            }
        }
        return values;
    }

    private static double real(ByteReader in) {
        double value = Double.longBitsToDouble(in.int64("influence"));
        if (!Double.isFinite(value)) {
            throw in.mismatch("influence", "finite numbers", value);
        }
        return value;
    }
}
