package dev.trimtab.checkpoint;

import dev.trimtab.tensor.Encoding;
import dev.trimtab.tensor.Shape;
import dev.trimtab.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/// Llama 3's stretching of the slow rotations, as the tensor of divisors that GGUF stores: `rope_freqs.weight
/// [D/2]`.
///
/// With f the rotation's frequency `theta^(-2i/D)`, w its wavelength `2 pi / f`, L the context length trained
/// first and `s = (L/w - low) / (high - low)`, the divisor is
///
/// - 1 where `w < L / high`,
/// - `factor` where `w > L / low`,
/// - `1 / ((1 - s) / factor + s)` between.
///
/// Source: `_compute_llama3_parameters` of transformers' `modeling_rope_utils.py`; the tensor, llama.cpp's
/// `convert_hf_to_gguf.py`.
final class RopeFactors {
    static final String NAME = "rope_freqs.weight";

    private RopeFactors() {}

    /// The tensor for `config` (a flattened `config.json` whose scaling is `llama3`) and heads of `headDim`.
    static Tensor llama3(Metadata config, int headDim) {
        String prefix = config.contains("rope_scaling.factor") ? "rope_scaling." : "rope_parameters.";
        double theta = config.number("rope_theta", config.number("rope_parameters.rope_theta", 10_000));
        double factor = config.number(prefix + "factor");
        double low = config.number(prefix + "low_freq_factor", 1);
        double high = config.number(prefix + "high_freq_factor", 4);
        double length = config.number(prefix + "original_max_position_embeddings", 8192);
        ByteWriter divisors = new ByteWriter();
        for (int i = 0; i < headDim / 2; i++) {
            double wavelength = 2 * Math.PI * Math.pow(theta, 2.0 * i / headDim);
            divisors.int32(Float.floatToRawIntBits((float) divisor(wavelength, length, factor, low, high)));
        }
        MemorySegment bytes = MemorySegment.ofArray(divisors.toBytes()).asReadOnly();
        return new Tensor(NAME, Encoding.F32, Shape.of(headDim / 2), bytes);
    }

    private static double divisor(double wavelength, double length, double factor, double low, double high) {
        if (wavelength < length / high) {
            return 1;
        }
        if (wavelength > length / low) {
            return factor;
        }
        double smooth = (length / wavelength - low) / (high - low);
        return 1 / ((1 - smooth) / factor + smooth);
    }
}
