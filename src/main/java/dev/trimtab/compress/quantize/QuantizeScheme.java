package dev.trimtab.compress.quantize;

import dev.trimtab.error.Internal;
import dev.trimtab.tensor.Encoding;
import dev.trimtab.tensor.quantize.CodeKind;
import dev.trimtab.tensor.quantize.CodeKind.Zero;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/// What quantized weights are kept as, by the names that recipes write behind `scheme:`.
///
/// | name | kept as | bits a weight |
/// |---|---|---|
/// | `int{2..8}[_sym\|_asym][_g32\|_g64\|_g128\|_row]` | [Codes] | code bits + 0.5, with a minimum + 1 (7 as 8) |
/// | `q4_0 q4_1 q5_0 q5_1 q8_0` | the same codes under ggml's names, groups of 32 | 4.5 5 5.5 6 8.5 |
/// | `dynamic_int8` | `int8_sym_row` | 8.5 |
/// | `q2_k q3_k q4_k q5_k q6_k` | [Blocks] with two levels of scales | 2.625 3.4375 4.5 5.5 6.5625 |
/// | `iq4_nl mxfp4 nvfp4` | [Blocks] of values from a table | 4.5 4.25 4.5 |
/// | `fp8_e4m3 fp8_e5m2` | [Blocks] of small floats under a power of two, MXFP8 | 8.25 |
/// | `f32 f16 bf16` | [Blocks] | 32 16 16 |
/// | `codebook{2,4,..,256}` | [Codebook] | log2 k + a little |
/// | `hashed{n}` | [Hashed], decoded | 16 (16 / n if it were stored) |
///
/// `dynamic_int8` is PyTorch's `quantize_dynamic` with a scale for each row: the weights once; the activations,
/// which that quantizes anew at each call, are quantized at each call here too, by the kernels' `INT8`
/// activations, finer: for each 32 of a token and not for each token.
///
/// Kernels read small floats as BF16, which holds them exactly: they save bytes where forms are stored, none in
/// memory.
public sealed interface QuantizeScheme {
    /// The name as [#named] takes it.
    String name();

    /// This, or for rows of `columns` the nearest that can hold them: llama.cpp's table of fallbacks
    /// (`llama-quant.cpp`) for rows that are no whole super-blocks, F16 for those that are no whole blocks of 32.
    QuantizeScheme fitting(long columns);

    /// Integer codes, a scale for each group of columns of a row. Blocks of 32 repeat the scale of a longer group:
    /// it is kept for its name's sake and for comparison, not for bytes.
    ///
    /// @param groupSize 32, 64, 128 or [#ROW]
    record Codes(CodeKind kind, int groupSize) implements QuantizeScheme {
        /// One group for the whole row.
        static final int ROW = 0;

        public Codes {
            if (groupSize < 0 || groupSize % BLOCK != 0) {
                throw new Internal("groups of whole blocks expected, found " + groupSize);
            }
        }

        /// Columns of a group in rows of `columns`; a row's last group may have fewer.
        int groupColumns(int columns) {
            return groupSize == ROW ? columns : Math.min(groupSize, columns);
        }

        @Override
        public String name() {
            String zero = kind.zero() == Zero.MINIMUM ? "_asym" : "_sym";
            return "int" + kind.bits() + zero + (groupSize == ROW ? "_row" : "_g" + groupSize);
        }

        @Override
        public QuantizeScheme fitting(long columns) {
            return columns % BLOCK == 0 ? this : F16;
        }
    }

    /// Whole blocks of an encoding, by [dev.trimtab.tensor.quantize.Quantizer].
    record Blocks(Encoding encoding) implements QuantizeScheme {
        @Override
        public String name() {
            return switch (encoding) {
                case MXFP8_E4M3 -> "fp8_e4m3";
                case MXFP8_E5M2 -> "fp8_e5m2";
                default -> encoding.name().toLowerCase(Locale.ROOT);
            };
        }

        @Override
        public QuantizeScheme fitting(long columns) {
            if (columns % encoding.blockElements() == 0) {
                return this;
            }
            QuantizeScheme shorter = switch (encoding) {
                case Q2_K, Q3_K -> codes(4, Zero.CENTRED);
                case Q4_K -> codes(5, Zero.CENTRED);
                case Q5_K -> codes(5, Zero.MINIMUM);
                case Q6_K -> codes(8, Zero.CENTRED);
                case NVFP4 -> new Blocks(Encoding.MXFP4);
                default -> F16;
            };
            return shorter.fitting(columns);
        }
    }

    /// `2^bits` values that the weights of a row, or of a few rows, share.
    record Codebook(int bits) implements QuantizeScheme {
        @Override
        public String name() {
            return "codebook" + (1 << bits);
        }

        @Override
        public QuantizeScheme fitting(long columns) {
            return this;
        }
    }

    /// One value for about `sharing` weights that a hash throws together.
    record Hashed(int sharing) implements QuantizeScheme {
        @Override
        public String name() {
            return "hashed" + sharing;
        }

        @Override
        public QuantizeScheme fitting(long columns) {
            return this;
        }
    }

    /// Columns of a block of codes.
    int BLOCK = 32;

    QuantizeScheme F16 = new Blocks(Encoding.F16);

    /// Patterns of names, for messages.
    List<String> NAMES = List.of(
            "int{2..8}[_sym|_asym][_g32|_g64|_g128|_row]",
            "dynamic_int8",
            "q8_0 q5_1 q5_0 q4_1 q4_0 q6_k q5_k q4_k q3_k q2_k",
            "iq4_nl mxfp4 nvfp4 fp8_e4m3 fp8_e5m2 f32 f16 bf16",
            "codebook{2,4,8,..,256}",
            "hashed{2..64}");

    /// The scheme that is spelled `name`, in either case.
    static Optional<QuantizeScheme> named(String name) {
        return SchemeNames.find(name.toLowerCase(Locale.ROOT));
    }

    private static Codes codes(int bits, Zero zero) {
        return new Codes(new CodeKind(bits, zero), BLOCK);
    }
}
