package dev.trimtab.tensor;

/// A table of at most 16 small integers and a fast way to the one nearest to a number.
///
/// Between two integers lies a midpoint that is a multiple of 1/2, so all numbers of one cell of that
/// size have the same nearest value, found by looking the cell up.
public final class ValueTable {
    /// Of `IQ4_NL` and `IQ4_XS`: denser near zero.
    public static final ValueTable NON_LINEAR =
            new ValueTable(-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113);

    /// The numbers of E2M1 (OCP Microscaling 1.0) doubled, so that they are integers.
    public static final ValueTable E2M1_DOUBLED =
            new ValueTable(0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12);

    /// Cells of 1/2 from -128 to 127.5.
    private static final int CELLS = 512;

    private final float[] values;
    private final byte[] indexOfCell = new byte[CELLS];

    private ValueTable(float... values) {
        this.values = values;
        for (int cell = 0; cell < CELLS; cell++) {
            indexOfCell[cell] = slowly((cell - CELLS / 2 + 0.5f) / 2);
        }
    }

    /// Index of the value nearest to `wanted`, which counts as the end of -128..127 beyond it.
    public int index(float wanted) {
        int cell = (int) (2 * wanted + CELLS / 2);
        return indexOfCell[Math.clamp(cell, 0, CELLS - 1)];
    }

    /// The value at `index`.
    public float value(int index) {
        return values[index];
    }

    /// The least of the values.
    public float least() {
        float least = values[0];
        for (float value : values) {
            least = Math.min(least, value);
        }
        return least;
    }

    /// The greatest of the values.
    public float greatest() {
        float greatest = values[0];
        for (float value : values) {
            greatest = Math.max(greatest, value);
        }
        return greatest;
    }

    private byte slowly(float wanted) {
        int nearest = 0;
        for (int i = 1; i < values.length; i++) {
            if (Math.abs(values[i] - wanted) < Math.abs(values[nearest] - wanted)) {
                nearest = i;
            }
        }
        return (byte) nearest;
    }
}
