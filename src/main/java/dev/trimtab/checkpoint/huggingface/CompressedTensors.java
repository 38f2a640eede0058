package dev.trimtab.checkpoint.huggingface;

import dev.trimtab.checkpoint.Metadata;
import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.Unsupported;
import dev.trimtab.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.LongFunction;
import java.util.stream.Collectors;

/// Reads weights that the library compressed-tensors (of vLLM and llm-compressor) quantized. What it
/// stores for the matrix `M.weight [out, in]`:
///
/// 1. `pack-quantized`: `M.weight_packed` I32 `[out, ceil(in / (32 / bits))]`, element i of a row at bit
///    `(i mod (32 / bits)) bits` of its word, as `q + 2^(bits - 1)`; `M.weight_shape` `[2]`.
///    `int-quantized` and `naive-quantized`: `M.weight` I8 `[out, in]`, q itself. `float-quantized`:
///    `M.weight` F8_E4M3.
/// 2. `M.weight_scale` `[out, groups]` or `[out, 1]` or one for all; a group is `in / groups` columns.
/// 3. `M.weight_zero_point`, where not symmetric: as the scales, packed like the weights but along the
///    rows (word r holds rows `r (32 / bits)` on).
/// 4. `M.weight_g_idx` `[in]`, where columns were reordered: which group a column is of; -1 for all
///    where not.
///
/// The weight is `(q - zero point) scale`. How it is kept from then on stands at [QuantizedMatrix].
///
/// Quantization of activations and of the KV cache, which a configuration may ask for too, is not done:
/// the weights are all that is taken over.
///
/// Source: neuralmagic/compressed-tensors, `compressors/quantized_compressors/pack_quantized.py` at
/// 0199c6e, and `naive_quantized.py` at 67589bc.
final class CompressedTensors {
    private static final String CONFIG = "quantization_config.";
    private static final Set<String> FORMATS =
            Set.of("dense", "pack-quantized", "int-quantized", "naive-quantized", "float-quantized");

    private static final String PACKED = ".weight_packed";
    private static final String WEIGHT = ".weight";
    private static final String SCALE = "_scale";
    private static final List<String> SIDES = List.of("_packed", "_shape", SCALE, "_zero_point", "_g_idx");

    private CompressedTensors() {}

    /// Whether `config`, a flattened `config.json`, says that weights are stored so.
    static boolean isNamedBy(Metadata config) {
        return config.string(CONFIG + "quant_method", "").equals("compressed-tensors");
    }

    /// `stored` with each quantized matrix in place of its parts, under its own name; all else as it is.
    /// `allocate` gives memory of a number of bytes that lives as long as the tensors.
    ///
    /// @throws Unsupported for formats, numbers of bits and group layouts unknown here
    /// @throws BadCheckpoint where parts lack or contradict each other
    static Map<String, Tensor> decompress(
            Metadata config, Map<String, Tensor> stored, LongFunction<MemorySegment> allocate) {
        checkFormat(config);
        Set<Integer> bits = bits(config);
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        stored.forEach((name, tensor) -> {
            String weight = weightOf(name);
            if (stored.containsKey(weight + SCALE)) {
                if (name.equals(weight) || name.endsWith(PACKED)) {
                    tensors.put(
                            weight,
                            QuantizedMatrix.of(config.source(), weight, stored, bits)
                                    .tensor(allocate));
                }
            } else if (name.endsWith(PACKED)) {
                throw BadCheckpoint.mismatch(config.source() + ": tensor " + weight + SCALE, "one", "none");
            } else {
                tensors.put(name, tensor);
            }
        });
        return tensors;
    }

    private static void checkFormat(Metadata config) {
        config.values().forEach((key, value) -> {
            boolean names = key.equals(CONFIG + "format")
                    || (key.startsWith(CONFIG + "config_groups.") && key.endsWith(".format"))
                    || key.equals(CONFIG + "sparsity_config.format");
            if (names && !FORMATS.contains(config.string(key))) {
                throw new Unsupported(config.source() + ": " + key + " " + config.string(key) + "; these can be read: "
                        + FORMATS.stream().sorted().toList());
            }
        });
    }

    /// Those of all groups: which group a matrix is of, the shapes of its parts tell.
    private static Set<Integer> bits(Metadata config) {
        return config.values().keySet().stream()
                .filter(key -> key.startsWith(CONFIG + "config_groups.") && key.endsWith(".weights.num_bits"))
                .map(key -> config.integer(key, 1, 32))
                .collect(Collectors.toSet());
    }

    /// `M.weight` for the name of any of its parts, else the name itself.
    private static String weightOf(String name) {
        for (String side : SIDES) {
            if (name.endsWith(WEIGHT + side)) {
                return name.substring(0, name.length() - side.length());
            }
        }
        return name;
    }
}
