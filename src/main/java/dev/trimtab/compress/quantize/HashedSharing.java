package dev.trimtab.compress.quantize;

import dev.trimtab.compress.matrix.Matrix;
import dev.trimtab.tensor.Encoding;
import dev.trimtab.tensor.Shape;
import dev.trimtab.tensor.Tensor;
import dev.trimtab.tensor.TensorForm;
import dev.trimtab.tensor.quantize.Quantizer;
import java.lang.foreign.MemorySegment;
import java.util.Locale;

/// The hashing trick: weight `[i, j]` is `xi(i, j) c[h(i, j)]`, a value that a hash h shares out and a sign xi from
/// the same hash. For given weights the best value of a bucket is the (weighted) mean
///
///     c_b = sum_b h_j xi w / sum_b h_j.
///
/// Source: W. Chen et al., "Compressing Neural Networks with the Hashing Trick", 2015; they train c, we fit it. Of
/// weights that know nothing of each other a bucket of n keeps 1/n of the energy: a baseline, never a choice.
///
/// The result is decoded, in F16, because neither a form nor a kernel for it would be worth having: the note says
/// what it would take.
final class HashedSharing {
    private HashedSharing() {}

    static Quantized quantize(QuantizeJob job, QuantizeScheme.Hashed scheme, float[] importance) {
        Matrix matrix = job.matrix();
        int buckets = Math.max(1, matrix.values().length / scheme.sharing());
        double[] sums = new double[buckets];
        double[] totals = new double[buckets];
        for (int i = 0; i < matrix.values().length; i++) {
            int hash = hash(i);
            sums[bucket(hash, buckets)] += (double) importance[i % matrix.columns()] * sign(hash) * matrix.values()[i];
            totals[bucket(hash, buckets)] += importance[i % matrix.columns()];
        }
        float[] decoded = new float[matrix.values().length];
        for (int i = 0; i < decoded.length; i++) {
            int bucket = bucket(hash(i), buckets);
            decoded[i] = totals[bucket] > 0 ? (float) (sign(hash(i)) * sums[bucket] / totals[bucket]) : 0;
        }
        MemorySegment out = MemorySegment.ofArray(new byte[Math.multiplyExact(decoded.length, Short.BYTES)]);
        Quantizer.encode(Encoding.F16, decoded, out, 0);
        Shape shape = matrix.shape();
        Tensor tensor = new Tensor(job.name(), Encoding.F16, shape, out.asReadOnly());
        String note = String.format(
                Locale.ROOT,
                "hashed sharing is held decoded, in 16 bits a weight; stored it would take %.2f",
                16.0 / scheme.sharing());
        return new Quantized(new TensorForm.Dense(tensor), new float[0], note);
    }

    private static int bucket(int hash, int buckets) {
        return (int) Long.remainderUnsigned(hash >>> 1, buckets);
    }

    private static int sign(int hash) {
        return (hash & 1) == 0 ? 1 : -1;
    }

    /// The finalizer of MurmurHash3 (A. Appleby), which spreads consecutive numbers over all 32 bits.
    private static int hash(int index) {
        int hash = index * 0x9e3779b9 + 0x7f4a7c15;
        hash = (hash ^ hash >>> 16) * 0x85ebca6b;
        hash = (hash ^ hash >>> 13) * 0xc2b2ae35;
        return hash ^ hash >>> 16;
    }
}
