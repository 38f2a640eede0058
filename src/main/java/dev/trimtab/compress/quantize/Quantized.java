package dev.trimtab.compress.quantize;

import dev.trimtab.error.Unsupported;
import dev.trimtab.tensor.TensorForm;
import java.util.Optional;

/// What became of a matrix W.
///
/// @param form W, or `W diag(s)` where `columnScale` holds s
/// @param columnScale empty, or what each column was multiplied with; whoever makes the input must divide by it
///     (a norm its weight, a matrix its rows), for all readers of that input alike
/// @param note what the sizes of the form do not tell; empty where they tell all
@SuppressWarnings("ArrayRecordComponent")
public record Quantized(TensorForm form, float[] columnScale, String note) {
    private static final float[] NONE = {};

    public Quantized {
        assert columnScale.length == 0 || columnScale.length == form.shape().columns() : columnScale.length;
    }

    static Quantized plain(TensorForm form) {
        return new Quantized(form, NONE, "");
    }

    /// s, where columns were scaled.
    public Optional<float[]> scaling() {
        return columnScale.length == 0 ? Optional.empty() : Optional.of(columnScale);
    }

    /// The form, for a caller that has nowhere to fold an inverse scale into.
    ///
    /// @throws Unsupported where columns were scaled
    public TensorForm unscaled(String name) {
        if (columnScale.length > 0) {
            throw new Unsupported(name + ": its columns were scaled (awq), and nothing before it can take the inverse;"
                    + " use rounding importance or gptq there");
        }
        return form;
    }
}
