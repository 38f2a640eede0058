package dev.trimtab.checkpoint;

import dev.trimtab.tensor.Encoding;
import dev.trimtab.tensor.Tensor;
import java.util.Collection;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/// The number by which `general.file_type` says how most of a file is encoded: llama.cpp's `enum
/// llama_ftype` (`include/llama.h`), of its mixtures the plain ("small") ones.
final class GgufFileType {
    static final String KEY = "general.file_type";

    private GgufFileType() {}

    /// The type of a file of `tensors`: that of the encoding with the most bytes.
    static OptionalInt of(Collection<Tensor> tensors) {
        Map<Encoding, Long> bytes = new EnumMap<>(Encoding.class);
        tensors.forEach(tensor -> bytes.merge(tensor.encoding(), tensor.sizeBytes(), Long::sum));
        Optional<Encoding> most = bytes.entrySet().stream()
                .max(Comparator.comparingLong(Map.Entry::getValue))
                .map(Map.Entry::getKey);
        return most.isPresent() ? of(most.get()) : OptionalInt.empty();
    }

    private static OptionalInt of(Encoding encoding) {
        return switch (encoding) {
            case F32 -> OptionalInt.of(0);
            case F16 -> OptionalInt.of(1);
            case Q4_0 -> OptionalInt.of(2);
            case Q4_1 -> OptionalInt.of(3);
            case Q8_0 -> OptionalInt.of(7);
            case Q5_0 -> OptionalInt.of(8);
            case Q5_1 -> OptionalInt.of(9);
            case Q2_K -> OptionalInt.of(10);
            case Q3_K -> OptionalInt.of(11);
            case Q4_K -> OptionalInt.of(14);
            case Q5_K -> OptionalInt.of(16);
            case Q6_K -> OptionalInt.of(18);
            case IQ2_XXS -> OptionalInt.of(19);
            case IQ2_XS -> OptionalInt.of(20);
            case IQ3_XXS -> OptionalInt.of(23);
            case IQ1_S -> OptionalInt.of(24);
            case IQ4_NL -> OptionalInt.of(25);
            case IQ3_S -> OptionalInt.of(26);
            case IQ2_S -> OptionalInt.of(28);
            case IQ4_XS -> OptionalInt.of(30);
            case IQ1_M -> OptionalInt.of(31);
            case BF16 -> OptionalInt.of(32);
            case TQ1_0 -> OptionalInt.of(36);
            case TQ2_0 -> OptionalInt.of(37);
            case MXFP4 -> OptionalInt.of(38);
            default -> OptionalInt.empty();
        };
    }
}
