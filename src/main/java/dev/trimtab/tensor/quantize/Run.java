package dev.trimtab.tensor.quantize;

/// `count` weights from index `from` on, and how much an error in each matters: `sum importance (weight
/// - decoded)^2` over them is to be small. The arrays have one length and are not copied.
@SuppressWarnings("ArrayRecordComponent")
record Run(float[] weights, float[] importance, int from, int count) {
    int end() {
        return from + count;
    }

    /// Part `index` of those of `size` weights.
    Run part(int index, int size) {
        return new Run(weights, importance, from + index * size, size);
    }

    /// The weight farthest from zero, with its sign.
    float extreme() {
        float extreme = 0;
        for (int i = from; i < end(); i++) {
            extreme = Math.abs(weights[i]) > Math.abs(extreme) ? weights[i] : extreme;
        }
        return extreme;
    }
}
