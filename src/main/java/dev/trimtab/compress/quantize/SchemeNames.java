package dev.trimtab.compress.quantize;

import dev.trimtab.tensor.Encoding;
import dev.trimtab.tensor.quantize.CodeKind;
import dev.trimtab.tensor.quantize.CodeKind.Zero;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// The spelling of schemes.
final class SchemeNames {
    private static final Pattern CODES = Pattern.compile("int([2-8])(?:_(sym|asym))?(?:_(g32|g64|g128|g?row))?");
    private static final Pattern CODEBOOK = Pattern.compile("codebook(\\d{1,3})");
    private static final Pattern HASHED = Pattern.compile("hashed(\\d{0,2})");

    /// Weights that share a value where a recipe says just `hashed`: 4 bits each, if it were stored.
    private static final int SHARING_DEFAULT = 4;

    private static final int SHARING_MAX = 64;

    private static final Map<String, QuantizeScheme> FIXED = Map.ofEntries(
            Map.entry(
                    "dynamic_int8", new QuantizeScheme.Codes(new CodeKind(8, Zero.CENTRED), QuantizeScheme.Codes.ROW)),
            Map.entry("q8_0", ofBits(8, Zero.CENTRED)),
            Map.entry("q5_1", ofBits(5, Zero.MINIMUM)),
            Map.entry("q5_0", ofBits(5, Zero.CENTRED)),
            Map.entry("q4_1", ofBits(4, Zero.MINIMUM)),
            Map.entry("q4_0", ofBits(4, Zero.CENTRED)),
            Map.entry("q6_k", new QuantizeScheme.Blocks(Encoding.Q6_K)),
            Map.entry("q5_k", new QuantizeScheme.Blocks(Encoding.Q5_K)),
            Map.entry("q4_k", new QuantizeScheme.Blocks(Encoding.Q4_K)),
            Map.entry("q3_k", new QuantizeScheme.Blocks(Encoding.Q3_K)),
            Map.entry("q2_k", new QuantizeScheme.Blocks(Encoding.Q2_K)),
            Map.entry("iq4_nl", new QuantizeScheme.Blocks(Encoding.IQ4_NL)),
            Map.entry("mxfp4", new QuantizeScheme.Blocks(Encoding.MXFP4)),
            Map.entry("nvfp4", new QuantizeScheme.Blocks(Encoding.NVFP4)),
            Map.entry("fp8_e4m3", new QuantizeScheme.Blocks(Encoding.MXFP8_E4M3)),
            Map.entry("fp8_e5m2", new QuantizeScheme.Blocks(Encoding.MXFP8_E5M2)),
            Map.entry("f32", new QuantizeScheme.Blocks(Encoding.F32)),
            Map.entry("f16", QuantizeScheme.F16),
            Map.entry("bf16", new QuantizeScheme.Blocks(Encoding.BF16)));

    private SchemeNames() {}

    static Optional<QuantizeScheme> find(String name) {
        Optional<QuantizeScheme> fixed = Optional.ofNullable(FIXED.get(name));
        return fixed.or(() -> codes(name)).or(() -> codebook(name)).or(() -> hashed(name));
    }

    private static Optional<QuantizeScheme> codes(String name) {
        Matcher matcher = CODES.matcher(name);
        if (!matcher.matches()) {
            return Optional.empty();
        }
        Zero zero = "asym".equals(matcher.group(2)) ? Zero.MINIMUM : Zero.CENTRED;
        String group = Optional.ofNullable(matcher.group(3)).orElse("g" + QuantizeScheme.BLOCK);
        int size = group.endsWith("row") ? QuantizeScheme.Codes.ROW : Integer.parseInt(group.substring(1));
        return Optional.of(new QuantizeScheme.Codes(new CodeKind(Integer.parseInt(matcher.group(1)), zero), size));
    }

    private static Optional<QuantizeScheme> codebook(String name) {
        Matcher matcher = CODEBOOK.matcher(name);
        if (!matcher.matches()) {
            return Optional.empty();
        }
        int values = Integer.parseInt(matcher.group(1));
        boolean isPower = values >= 2 && values <= 1 << Byte.SIZE && Integer.bitCount(values) == 1;
        return isPower
                ? Optional.of(new QuantizeScheme.Codebook(Integer.numberOfTrailingZeros(values)))
                : Optional.empty();
    }

    private static Optional<QuantizeScheme> hashed(String name) {
        Matcher matcher = HASHED.matcher(name);
        if (!matcher.matches()) {
            return Optional.empty();
        }
        int sharing = matcher.group(1).isEmpty() ? SHARING_DEFAULT : Integer.parseInt(matcher.group(1));
        return sharing >= 2 && sharing <= SHARING_MAX
                ? Optional.of(new QuantizeScheme.Hashed(sharing))
                : Optional.empty();
    }

    private static QuantizeScheme.Codes ofBits(int bits, Zero zero) {
        return new QuantizeScheme.Codes(new CodeKind(bits, zero), QuantizeScheme.BLOCK);
    }
}
