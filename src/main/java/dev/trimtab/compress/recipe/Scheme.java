package dev.trimtab.compress.recipe;

import dev.trimtab.compress.quantize.QuantizeScheme;
import dev.trimtab.error.BadConfiguration;
import dev.trimtab.kernel.PackedFormat;
import dev.trimtab.tensor.Encoding;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/// How a weight is to be stored, by the name users know it by.
///
/// @param format what it is packed in; empty leaves the weight as the checkpoint has it
/// @param kept where packing alone does not do it: what a method makes first
/// @param note what of the name is not carried out to the letter; empty where all is
public record Scheme(String name, Optional<PackedFormat> format, Optional<QuantizeScheme> kept, String note) {
    /// As the checkpoint has it.
    public static final Scheme KEEP = packed("keep", Optional.empty(), "");

    private static final Map<String, Scheme> BY_NAME = byName();

    private static Scheme packed(String name, Optional<PackedFormat> format, String note) {
        return new Scheme(name, format, Optional.empty(), note);
    }

    /// The scheme that is spelled `name`, in either case.
    public static Optional<Scheme> named(String name) {
        String lower = name.toLowerCase(Locale.ROOT);
        return Optional.ofNullable(BY_NAME.get(lower))
                .or(() -> QuantizeScheme.named(lower).map(kept -> made(lower, kept)));
    }

    private static Scheme made(String name, QuantizeScheme kept) {
        Optional<PackedFormat> format = switch (kept) {
            case QuantizeScheme.Codes codes ->
                Optional.of(PackedFormat.lossless(codes.kind().encoding()));
            case QuantizeScheme.Blocks(Encoding encoding) -> Optional.of(PackedFormat.nearest(encoding));
            case QuantizeScheme.Codebook _ -> Optional.empty();
            case QuantizeScheme.Hashed _ -> Optional.of(PackedFormat.F16);
        };
        return new Scheme(name, format, Optional.of(kept), "");
    }

    /// What a method that chooses codes makes of this scheme.
    ///
    /// @throws dev.trimtab.error.BadConfiguration where there is nothing to choose
    public QuantizeScheme chosen() {
        return kept.or(() -> QuantizeScheme.named(name))
                .orElseThrow(() -> new BadConfiguration("scheme " + name + " leaves no codes to choose"));
    }

    /// Every name there is, for messages.
    public static List<String> names() {
        return List.copyOf(BY_NAME.keySet());
    }

    /// Codes of `bits` bits in groups of 32; where no format has exactly that, the next that holds it, with a
    /// note.
    ///
    /// @param bits 2..8
    static Scheme codes(int bits, boolean asymmetric) {
        String name = "int" + bits + (asymmetric ? "_asym" : "");
        int wide = bits == 7 ? 8 : bits;
        String format = "INT" + wide + (asymmetric ? "_ASYMMETRIC" : "");
        String note = wide == bits ? "" : "codes of " + bits + " bits are held in " + wide;
        return packed(name, Optional.of(PackedFormat.valueOf(format)), note);
    }

    /// As recipes write a format: `int4_asym`, `f16`.
    public static String label(PackedFormat format) {
        return format.name().toLowerCase(Locale.ROOT).replace("asymmetric", "asym");
    }

    private static Map<String, Scheme> byName() {
        Map<String, Scheme> schemes = new LinkedHashMap<>();
        schemes.put("keep", KEEP);
        for (PackedFormat format : List.of(PackedFormat.F32, PackedFormat.F16, PackedFormat.BF16)) {
            schemes.put(label(format), packed(label(format), Optional.of(format), ""));
        }
        for (int bits = 8; bits >= 2; bits--) {
            Scheme symmetric = codes(bits, false);
            Scheme asymmetric = codes(bits, true);
            for (String group : List.of("", "_g32")) {
                schemes.put("int" + bits + group, symmetric);
                schemes.put("int" + bits + "_sym" + group, symmetric);
                schemes.put("int" + bits + "_asym" + group, asymmetric);
            }
        }
        classic(schemes, "q8_0", PackedFormat.INT8);
        classic(schemes, "q5_1", PackedFormat.INT5_ASYMMETRIC);
        classic(schemes, "q5_0", PackedFormat.INT5);
        classic(schemes, "q4_1", PackedFormat.INT4_ASYMMETRIC);
        classic(schemes, "q4_0", PackedFormat.INT4);
        twoLevel(schemes, "q6_k", PackedFormat.INT6);
        twoLevel(schemes, "q5_k", PackedFormat.INT5_ASYMMETRIC);
        twoLevel(schemes, "q4_k", PackedFormat.INT4_ASYMMETRIC);
        twoLevel(schemes, "q3_k", PackedFormat.INT3);
        twoLevel(schemes, "q2_k", PackedFormat.INT2_ASYMMETRIC);
        return schemes;
    }

    /// ggml's 32-blocks with an f16 scale (and minimum) are our formats under another name.
    private static void classic(Map<String, Scheme> schemes, String name, PackedFormat format) {
        schemes.put(name, packed(name, Optional.of(format), ""));
    }

    /// ggml's super-blocks quantize their scales too; ours stay f16, which costs bits and loses nothing.
    private static void twoLevel(Map<String, Scheme> schemes, String name, PackedFormat format) {
        schemes.put(
                name, packed(name, Optional.of(format), name + " is held as " + label(format) + " with f16 scales"));
    }
}
