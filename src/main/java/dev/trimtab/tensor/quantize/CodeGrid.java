package dev.trimtab.tensor.quantize;

import dev.trimtab.tensor.quantize.CodeKind.Zero;

/// The values that the codes of one group stand for; its numbers are such as f16 holds, and [#value] gives
/// exactly what the encoding decodes to.
public record CodeGrid(CodeKind kind, float scale, float minimum) {
    /// A scale so far below its minimum would be lost in the minimum's own rounding, and codes could not be
    /// told from decoded weights: the group is constant then.
    private static final float SCALE_MIN = 0x1p-20f;

    /// The nearest grid to `w = scale q + minimum` that f16 numbers make.
    public static CodeGrid of(CodeKind kind, float scale, float minimum) {
        float nearest = Half.nearest(scale);
        float from = Half.nearest(minimum);
        return new CodeGrid(kind, Math.abs(nearest) < SCALE_MIN * Math.abs(from) ? 0 : nearest, from);
    }

    /// The code whose value is nearest to `weight`.
    public int code(float weight) {
        float inverse = ScaleSearch.inverse(scale);
        return kind.zero() == Zero.MINIMUM
                ? kind.nearest((weight - minimum) * inverse)
                : kind.nearest(weight * inverse) + kind.centre();
    }

    /// What `code` stands for.
    public float value(int code) {
        return kind.zero() == Zero.MINIMUM ? code * scale + minimum : (code - kind.centre()) * scale;
    }
}
