package dev.trimtab.compress.quantize;

import dev.trimtab.compress.calibration.Needs;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/// The ways to choose a weight's scales and codes, by the names that recipes write behind `rounding:`.
public enum Rounding {
    /// Round to nearest: scales from the farthest weights of each group
    /// ([dev.trimtab.tensor.quantize.CodeKind#extremes]), each weight to the nearest code.
    NEAREST("nearest", Needs.NOTHING),

    /// The scales that make `sum_j E[x_j^2] (w_j - q_j)^2` small
    /// ([dev.trimtab.tensor.quantize.CodeKind#search]), each weight to the nearest code: llama.cpp's importance
    /// matrix, and the diagonal of what GPTQ minimizes.
    IMPORTANCE("importance", Needs.STATISTICS),

    /// [HalfQuadratic]: no inputs, zero points that make `sum |w - q|^0.7` small.
    HQQ("hqq", Needs.NOTHING),

    /// [Gptq]: the scales of `importance`, then codes that make up for each other's errors.
    GPTQ("gptq", Needs.COVARIANCE),

    /// [ActivationScaling]: columns that matter are scaled up before they are rounded.
    AWQ("awq", Needs.STATISTICS);

    private final String label;
    private final Needs needs;

    Rounding(String label, Needs needs) {
        this.label = label;
        this.needs = needs;
    }

    /// The method that is spelled `name`, in either case; `imatrix` is another name for `importance`.
    public static Optional<Rounding> named(String name) {
        String lower = name.toLowerCase(Locale.ROOT);
        String known = lower.equals("imatrix") ? IMPORTANCE.label : lower;
        return Arrays.stream(values()).filter(one -> one.label.equals(known)).findFirst();
    }

    /// Every name, for messages.
    public static List<String> names() {
        return Arrays.stream(values()).map(Rounding::label).toList();
    }

    public String label() {
        return label;
    }

    public Needs needs() {
        return needs;
    }
}
