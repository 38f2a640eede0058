package dev.trimtab.kernel.adapter;

import java.util.List;

/// The adapters that a sequence runs with, each by its own factor, which may be negative; they are summed. Their
/// order does not matter: corrections are added in the order of ids.
@SuppressWarnings("ArrayRecordComponent")
public record AdapterMix(List<PackedAdapter> adapters, float[] scales) {
    /// The model as it is.
    public static final AdapterMix NONE = new AdapterMix(List.of(), new float[0]);

    public AdapterMix {
        adapters = List.copyOf(adapters);
        assert adapters.size() == scales.length : adapters.size() + " != " + scales.length;
    }

    public boolean isEmpty() {
        return scales.length == 0;
    }

    /// What `adapter` is multiplied with; 0 where it is not among these.
    float scaleOf(PackedAdapter adapter) {
        for (int i = 0; i < scales.length; i++) {
            if (adapters.get(i) == adapter) {
                return scales[i];
            }
        }
        return 0;
    }
}
