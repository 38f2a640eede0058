package dev.trimtab.tensor;

/// A table of at most 16 small integers and a fast way to the one nearest to a number.
///
/// Between two integers lies a midpoint that is a multiple of 1/2, so all numbers of one cell of that size
/// have the same nearest value, found by looking the cell up.
final class ValueTable {
    /// Cells of 1/2 from -128 to 127.5.
    private static final int CELLS = 512;

    private final byte[] values;
    private final byte[] indexOfCell = new byte[CELLS];

    ValueTable(byte[] values) {
        this.values = values;
        for (int cell = 0; cell < CELLS; cell++) {
            indexOfCell[cell] = slowly((cell - CELLS / 2 + 0.5f) / 2);
        }
    }

    /// Index of the value nearest to `wanted`, which counts as the end of -128..127 beyond it.
    int index(float wanted) {
        int cell = (int) (2 * wanted + CELLS / 2);
        return indexOfCell[Math.clamp(cell, 0, CELLS - 1)];
    }

    float value(int index) {
        return values[index];
    }

    float least() {
        float least = values[0];
        for (byte value : values) {
            least = Math.min(least, value);
        }
        return least;
    }

    float greatest() {
        float greatest = values[0];
        for (byte value : values) {
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
