package dev.trimtab.checkpoint.huggingface;

import dev.trimtab.checkpoint.Metadata;
import dev.trimtab.checkpoint.MetadataValue;
import dev.trimtab.checkpoint.io.ByteWriter;
import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.tensor.Encoding;
import dev.trimtab.tensor.Shape;
import dev.trimtab.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;

/// Divisors of the rotary frequencies as the tensors `[D/2]` that GGUF stores. LongRoPE's are listed in the
/// configuration and become `rope_factors_long.weight` and `rope_factors_short.weight`. Llama 3's, which
/// stretch the slow rotations, become `rope_freqs.weight`: with f the rotation's frequency
/// `theta^(-2i/D)`, w its wavelength `2 pi / f`, L the context length trained first and `s = (L/w - low) / (high -
/// low)`, the divisor is
///
/// - 1 where `w < L / high`,
/// - `factor` where `w > L / low`,
/// - `1 / ((1 - s) / factor + s)` between.
///
/// Sources: `_compute_llama3_parameters` of transformers' `modeling_rope_utils.py`; the tensor, llama.cpp's
/// `convert_hf_to_gguf.py`.
final class RopeFactors {
    /// Heads have 32 to 512 elements.
    private static final int HEAD_DIM_MAX = 1 << 16;

    private RopeFactors() {}

    /// The tensors that `config`, a flattened `config.json`, stands for; `converted` is what it became.
    static List<Tensor> of(Metadata config, Metadata converted) {
        return switch (ConfigJson.ropeScaling(config)) {
            case "llama3" -> {
                String key = converted.string("general.architecture") + ".rope.dimension_count";
                yield List.of(llama3(config, converted.integer(key, 2, HEAD_DIM_MAX)));
            }
            case "longrope" -> List.of(listed(config, "long"), listed(config, "short"));
            default -> List.of();
        };
    }

    private static Tensor listed(Metadata config, String which) {
        String key = ConfigJson.ropePrefix(config) + which + "_factor";
        double[] factors = config.find(key).orElse(null) instanceof MetadataValue.Wholes
                ? Arrays.stream(config.integers(key)).asDoubleStream().toArray()
                : config.numbers(key);
        if (factors.length == 0) {
            throw BadCheckpoint.mismatch(config.source() + ": " + key, "a factor for each pair", "none");
        }
        return tensor("rope_factors_" + which + ".weight", factors);
    }

    private static Tensor tensor(String name, double[] factors) {
        ByteWriter bytes = new ByteWriter();
        for (double factor : factors) {
            bytes.int32(Float.floatToRawIntBits((float) factor));
        }
        MemorySegment data = MemorySegment.ofArray(bytes.toBytes()).asReadOnly();
        return new Tensor(name, Encoding.F32, Shape.of(factors.length), data);
    }

    private static Tensor llama3(Metadata config, int headDim) {
        String prefix = ConfigJson.ropePrefix(config);
        double theta = config.number("rope_theta", config.number("rope_parameters.rope_theta", 10_000));
        double factor = config.number(prefix + "factor");
        double low = config.number(prefix + "low_freq_factor", 1);
        double high = config.number(prefix + "high_freq_factor", 4);
        double length = config.number(prefix + "original_max_position_embeddings", 8192);
        double[] divisors = new double[headDim / 2];
        for (int i = 0; i < divisors.length; i++) {
            double wavelength = 2 * Math.PI * Math.pow(theta, 2.0 * i / headDim);
            divisors[i] = divisor(wavelength, length, factor, low, high);
        }
        return tensor("rope_freqs.weight", divisors);
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
