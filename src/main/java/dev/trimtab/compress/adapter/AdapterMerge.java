package dev.trimtab.compress.adapter;

import dev.trimtab.checkpoint.adapter.LoraTarget;
import dev.trimtab.compress.matrix.Matrix;
import dev.trimtab.tensor.Dequantizer;
import dev.trimtab.tensor.TensorForm;
import java.util.stream.IntStream;

/// `W + u s B A`: what an adapter adds becomes part of the weight (LoRA, Hu et al. 2021, section 4.1), u being the
/// user's factor and s the adapter's. Quantizing comes after, so that it rounds the sum once.
public final class AdapterMerge {
    private AdapterMerge() {}

    /// A new matrix of the shape of `weight`, which `target` fits and which stays as it is.
    public static Matrix merge(Matrix weight, LoraTarget target, float userScale) {
        assert weight.shape().equals(target.shape()) : weight.shape() + " + " + target.shape();
        Matrix merged = weight.copy();
        Matrix a = Matrix.of(target.a().name(), new TensorForm.Dense(target.a()));
        float scale = userScale * target.scale();
        IntStream.range(0, weight.rows()).parallel().forEach(row -> {
            float[] b = new float[target.rank()];
            Dequantizer.decodeWeights(target.b(), row, b, 0);
            addRow(merged.values(), row * merged.columns(), b, scale, a);
        });
        return merged;
    }

    /// `out[at ..] += scale b A`
    private static void addRow(float[] out, int at, float[] b, float scale, Matrix a) {
        for (int k = 0; k < b.length; k++) {
            float factor = scale * b[k];
            int from = k * a.columns();
            for (int i = 0; i < a.columns(); i++) {
                out[at + i] += factor * a.values()[from + i];
            }
        }
    }
}
