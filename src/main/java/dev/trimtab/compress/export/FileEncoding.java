package dev.trimtab.compress.export;

import dev.trimtab.kernel.PackedFormat;
import dev.trimtab.tensor.Encoding;
import dev.trimtab.tensor.Shape;
import dev.trimtab.tensor.TensorForm;
import java.util.Locale;
import java.util.Optional;

/// In what encoding a weight is written to a GGUF file, and how it gets there.
///
/// GGUF has no codes of 2, 3 or 6 bits with a scale for each 32 weights, no codebooks, no sparse lines and no
/// products of factors. The former become the k-quant of as many bits a code where rows are whole blocks of 256,
/// else the same codes in a wider block; the latter are written out as the matrices they stand for, in `Q8_0`,
/// since what any smaller encoding loses is as much as the method itself lost.
sealed interface FileEncoding {
    Encoding encoding();

    /// What a report says of it.
    String note();

    /// The bytes are there already.
    record AsMade(Encoding encoding) implements FileEncoding {
        @Override
        public String note() {
            return encoding + ", as it is made";
        }
    }

    /// The codes and scales that packing as `format` chooses, so that loading the file gives the same numbers.
    record SameCodes(PackedFormat format, Encoding encoding) implements FileEncoding {
        @Override
        public String note() {
            return encoding + ", the codes of " + name(format.name());
        }
    }

    /// Decoded, and rounded to `encoding`.
    ///
    /// @param made what it is made as
    record Rounded(String made, Encoding encoding) implements FileEncoding {
        @Override
        public String note() {
            return encoding + ", rounded from " + made;
        }
    }

    /// A super-block of ggml's k-quants.
    int SUPER_BLOCK = 256;

    /// A block of codes that share a scale.
    int BLOCK = 32;

    /// For `form`, which is no sum.
    ///
    /// @param packed the format that packing rounds it to, where packing does
    static FileEncoding of(TensorForm form, Optional<PackedFormat> packed) {
        Shape shape = form.shape();
        if (shape.rank() == 1) {
            return plain(form, Encoding.F32);
        }
        return switch (form) {
            case TensorForm.Dense(var tensor) -> dense(tensor.encoding(), shape.columns(), packed);
            case TensorForm.LowRank(TensorForm left, TensorForm right) ->
                isPlain(left) && isPlain(right)
                        ? new Rounded("a product of factors", Encoding.F16)
                        : eightBits("a product of factors", shape.columns());
            case TensorForm.Codebook codebook ->
                eightBits("a codebook of " + codebook.bits() + " bits", shape.columns());
            case TensorForm.VectorSparse _ -> eightBits("sparse lines", shape.columns());
            case TensorForm.Sum _ -> eightBits("a sum", shape.columns());
        };
    }

    private static FileEncoding dense(Encoding made, long columns, Optional<PackedFormat> packed) {
        if (packed.isPresent() && packed.get() != PackedFormat.nearest(made)) {
            return packed(packed.get(), columns);
        }
        if (made.hasGgmlId()) {
            return new AsMade(made);
        }
        return switch (made) {
            case MXFP8_E4M3, MXFP8_E5M2 -> eightBits(name(made.name()), columns);
            default -> packed(PackedFormat.lossless(made), columns);
        };
    }

    private static FileEncoding packed(PackedFormat format, long columns) {
        String name = name(format.name());
        boolean isSuper = columns % SUPER_BLOCK == 0;
        if (format.isCoded() && columns % BLOCK != 0) {
            return new Rounded(name + " in rows of " + columns, Encoding.F16);
        }
        return switch (format) {
            case F32 -> new Rounded(name, Encoding.F32);
            case F16 -> new Rounded(name, Encoding.F16);
            case BF16 -> new Rounded(name, Encoding.BF16);
            case INT8 -> new SameCodes(format, Encoding.Q8_0);
            case INT6 -> isSuper ? new Rounded(name, Encoding.Q6_K) : new SameCodes(format, Encoding.Q8_0);
            case INT5 -> new SameCodes(format, Encoding.Q5_0);
            case INT5_ASYMMETRIC -> new SameCodes(format, Encoding.Q5_1);
            case INT4 -> new SameCodes(format, Encoding.Q4_0);
            case INT4_ASYMMETRIC, INT3_ASYMMETRIC -> new SameCodes(format, Encoding.Q4_1);
            case INT3 -> isSuper ? new Rounded(name, Encoding.Q3_K) : new SameCodes(format, Encoding.Q4_0);
            case INT2 -> isSuper ? new Rounded(name, Encoding.Q2_K) : new SameCodes(format, Encoding.Q4_0);
            case INT2_ASYMMETRIC -> isSuper ? new Rounded(name, Encoding.Q2_K) : new SameCodes(format, Encoding.Q4_1);
            case INT8_ASYMMETRIC, INT6_ASYMMETRIC -> eightBits(name, columns);
        };
    }

    private static FileEncoding plain(TensorForm form, Encoding encoding) {
        return form instanceof TensorForm.Dense(var tensor) && tensor.encoding() == encoding
                ? new AsMade(encoding)
                : new Rounded("a vector", encoding);
    }

    private static FileEncoding eightBits(String made, long columns) {
        return new Rounded(made, columns % BLOCK == 0 ? Encoding.Q8_0 : Encoding.F16);
    }

    private static boolean isPlain(TensorForm form) {
        return form instanceof TensorForm.Dense(var tensor) && tensor.encoding().blockElements() == 1;
    }

    private static String name(String constant) {
        return constant.toLowerCase(Locale.ROOT);
    }
}
