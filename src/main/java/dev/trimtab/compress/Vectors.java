package dev.trimtab.compress;

import dev.trimtab.tensor.Encoding;
import dev.trimtab.tensor.Shape;
import dev.trimtab.tensor.Tensor;
import dev.trimtab.tensor.TensorForm;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// What biases and norms become where a matrix beside them was changed.
final class Vectors {
    private Vectors() {}

    /// `values` in F32, named `name`.
    static TensorForm form(String name, float[] values) {
        MemorySegment data = MemorySegment.ofArray(new byte[Float.BYTES * values.length]);
        MemorySegment.copy(values, 0, data, ValueLayout.JAVA_FLOAT_UNALIGNED, 0, values.length);
        return new TensorForm.Dense(new Tensor(name, Encoding.F32, Shape.of(values.length), data));
    }

    /// The vector `tensor` and `added`.
    static float[] sum(Tensor tensor, float[] added) {
        float[] values = decoded(tensor, added.length);
        for (int i = 0; i < values.length; i++) {
            values[i] += added[i];
        }
        return values;
    }

    /// The vector `tensor`, each element divided by `scale`'s.
    static float[] quotient(Tensor tensor, float[] scale) {
        float[] values = decoded(tensor, scale.length);
        for (int i = 0; i < values.length; i++) {
            values[i] /= scale[i];
        }
        return values;
    }

    private static float[] decoded(Tensor tensor, int length) {
        float[] values = new float[length];
        new TensorForm.Dense(tensor).row(0, values, 0);
        return values;
    }
}
