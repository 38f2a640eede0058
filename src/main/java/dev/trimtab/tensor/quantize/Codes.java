package dev.trimtab.tensor.quantize;

/// The integers `low..high` that an encoding keeps for a weight, and how many beginnings a search tries
/// at each end of the range.
record Codes(int low, int high, int steps) {
    /// Added and taken away again, it rounds a float of less than 2^22 to an integer.
    private static final float ROUNDING = 0x1.8p23f;

    /// The integer nearest to `scaled` in `low..high`. Static and with floats, for the inner loops.
    static float nearest(float scaled, float low, float high) {
        float clamped = scaled < low ? low : scaled > high ? high : scaled;
        return clamped + ROUNDING - ROUNDING;
    }

    /// The code of a weight divided by its scale.
    int of(float scaled) {
        return (int) nearest(scaled, low, high);
    }
}
