package dev.trimtab.checkpoint.safetensors;

import dev.trimtab.tensor.Encoding;
import java.util.EnumSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;

/// The dtypes of safetensors: each has an encoding of the same name.
final class Dtypes {
    private static final Set<Encoding> ENCODINGS = EnumSet.of(
            Encoding.BOOL,
            Encoding.F4,
            Encoding.F6_E2M3,
            Encoding.F6_E3M2,
            Encoding.U8,
            Encoding.I8,
            Encoding.F8_E5M2,
            Encoding.F8_E4M3,
            Encoding.F8_E8M0,
            Encoding.F8_E4M3FNUZ,
            Encoding.F8_E5M2FNUZ,
            Encoding.I16,
            Encoding.U16,
            Encoding.F16,
            Encoding.BF16,
            Encoding.I32,
            Encoding.U32,
            Encoding.F32,
            Encoding.C64,
            Encoding.F64,
            Encoding.I64,
            Encoding.U64);

    private static final Map<String, Encoding> BY_NAME =
            ENCODINGS.stream().collect(Collectors.toMap(Encoding::name, Function.identity()));

    private Dtypes() {}

    static Optional<Encoding> encoding(String dtype) {
        return Optional.ofNullable(BY_NAME.get(dtype));
    }

    /// Whether a file can hold `encoding`.
    static boolean holds(Encoding encoding) {
        return ENCODINGS.contains(encoding);
    }
}
