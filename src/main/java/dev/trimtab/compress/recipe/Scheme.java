package dev.trimtab.compress.recipe;

import dev.trimtab.kernel.PackedFormat;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/// How a weight is to be stored, by the name users know it by.
///
/// @param format empty leaves the weight as the checkpoint has it
/// @param note what of the name is not carried out to the letter; empty where all is
public record Scheme(String name, Optional<PackedFormat> format, String note) {
    /// As the checkpoint has it.
    static final Scheme KEEP = new Scheme("keep", Optional.empty(), "");

    /// Bits for which our codes can have a minimum beside their scale.
    private static final int ASYMMETRIC_BITS_MAX = 5;

    private static final Map<String, Scheme> BY_NAME = byName();

    /// The scheme that is spelled `name`, in either case.
    public static Optional<Scheme> named(String name) {
        return Optional.ofNullable(BY_NAME.get(name.toLowerCase(Locale.ROOT)));
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
        if (asymmetric && bits <= ASYMMETRIC_BITS_MAX) {
            return new Scheme(name, Optional.of(PackedFormat.valueOf("INT" + bits + "_ASYMMETRIC")), "");
        }
        int wide = bits == 7 ? 8 : bits;
        List<String> notes = new ArrayList<>();
        if (wide != bits) {
            notes.add("codes of " + bits + " bits are held in " + wide);
        }
        if (asymmetric) {
            notes.add("asymmetric codes have 2 to " + ASYMMETRIC_BITS_MAX + " bits, so these are symmetric");
        }
        return new Scheme(name, Optional.of(PackedFormat.valueOf("INT" + wide)), String.join("; ", notes));
    }

    /// As recipes write a format: `int4_asym`, `f16`.
    public static String label(PackedFormat format) {
        return format.name().toLowerCase(Locale.ROOT).replace("asymmetric", "asym");
    }

    private static Map<String, Scheme> byName() {
        Map<String, Scheme> schemes = new LinkedHashMap<>();
        schemes.put("keep", KEEP);
        for (PackedFormat format : List.of(PackedFormat.F32, PackedFormat.F16, PackedFormat.BF16)) {
            schemes.put(label(format), new Scheme(label(format), Optional.of(format), ""));
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
        schemes.put(name, new Scheme(name, Optional.of(format), ""));
    }

    /// ggml's super-blocks quantize their scales too; ours stay f16, which costs bits and loses nothing.
    private static void twoLevel(Map<String, Scheme> schemes, String name, PackedFormat format) {
        schemes.put(
                name,
                new Scheme(name, Optional.of(format), name + " is held as " + label(format) + " with f16 scales"));
    }
}
