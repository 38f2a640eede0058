package dev.trimtab.kernel.sparse;

import dev.trimtab.error.Internal;
import dev.trimtab.error.Unsupported;
import dev.trimtab.kernel.PackedMatrix;
import dev.trimtab.tensor.Encoding;
import dev.trimtab.tensor.Tensor;
import dev.trimtab.tensor.TensorForm;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;

/// A vector-wise sparse matrix as kernels read it. Panel p of 32 rows has the lines
/// `[start(p), start(p + 1))`; line i is the panel's weights in column `columns()[i]`, row r at place
/// [PackedMatrix#lane], as
///
/// 1. 32 int8 codes, which `scales()[i]` multiplies, or
/// 2. 32 f16 numbers; `scales()` is empty.
///
/// Lines follow each other without gaps, so that a panel is one stream of as many bytes as it keeps weights.
/// The memory of the lines belongs to the arena they were packed into.
public final class SparsePanels {
    /// Rows of a panel.
    public static final int PANEL = TensorForm.VectorSparse.PANEL;

    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /// A cache line.
    private static final long ALIGNMENT = 64;

    /// The exponent of infinities and NaN in f16.
    private static final int F16_INFINITY = 0x7c00;

    private final int rows;
    private final int width;
    private final int[] starts;
    private final int[] columns;
    private final float[] scales;
    private final int lineBytes;
    private final MemorySegment data;

    private SparsePanels(TensorForm.VectorSparse form, Arena arena) {
        boolean isCoded = form.lines().encoding() == Encoding.Q8_0;
        this.rows = Math.toIntExact(form.shape().rows());
        this.width = Math.toIntExact(form.shape().columns());
        this.starts = form.starts().clone();
        this.columns = form.columns().clone();
        this.scales = new float[isCoded ? columns.length : 0];
        this.lineBytes = isCoded ? PANEL : PANEL * Short.BYTES;
        this.data = arena.allocate((long) columns.length * lineBytes, ALIGNMENT);
    }

    /// Packs `form`.
    ///
    /// @throws Unsupported for lines that are neither `Q8_0` nor `F16`, or hold an f16 that is no finite number
    /// @throws Internal for a form whose columns are not ascending ones of its matrix
    public static SparsePanels pack(TensorForm.VectorSparse form, Arena arena) {
        Tensor lines = form.lines();
        if (lines.encoding() != Encoding.Q8_0 && lines.encoding() != Encoding.F16) {
            throw new Unsupported(
                    "tensor " + lines.name() + ": sparse vectors in Q8_0 or F16 expected, found " + lines.encoding());
        }
        SparsePanels packed = new SparsePanels(form, arena);
        packed.checkColumns(lines.name());
        for (int line = 0; line < packed.columns.length; line++) {
            if (packed.isCoded()) {
                packed.packCodes(lines, line);
            } else {
                packed.packHalves(lines, line);
            }
        }
        return packed;
    }

    private void checkColumns(String name) {
        for (int panel = 0; panel < panels(); panel++) {
            for (int i = starts[panel]; i < starts[panel + 1]; i++) {
                boolean ascends = i == starts[panel] ? columns[i] >= 0 : columns[i] > columns[i - 1];
                if (!ascends || columns[i] >= width) {
                    throw new Internal("tensor " + name + ": panel " + panel + ": ascending columns below " + width
                            + " expected, found " + columns[i]);
                }
            }
        }
    }

    private void packCodes(Tensor lines, int line) {
        long from = (long) line * Encoding.Q8_0.blockBytes();
        scales[line] = finite(lines, lines.data().get(SHORT, from));
        for (int row = 0; row < PANEL; row++) {
            byte code = lines.data().get(ValueLayout.JAVA_BYTE, from + Short.BYTES + row);
            data.set(ValueLayout.JAVA_BYTE, (long) line * lineBytes + PackedMatrix.lane(row), code);
        }
    }

    private void packHalves(Tensor lines, int line) {
        for (int row = 0; row < PANEL; row++) {
            short half = lines.data().get(SHORT, (long) line * lineBytes + (long) Short.BYTES * row);
            finite(lines, half);
            data.set(SHORT, (long) line * lineBytes + (long) Short.BYTES * PackedMatrix.lane(row), half);
        }
    }

    private static float finite(Tensor lines, short half) {
        if ((half & F16_INFINITY) == F16_INFINITY) {
            throw new Unsupported("tensor " + lines.name() + ": finite numbers expected in sparse vectors, found "
                    + Float.float16ToFloat(half));
        }
        return Float.float16ToFloat(half);
    }

    /// Whether lines are codes.
    public boolean isCoded() {
        return scales.length > 0;
    }

    public int rows() {
        return rows;
    }

    /// Columns of the matrix, kept or not.
    public int width() {
        return width;
    }

    public int panels() {
        return starts.length - 1;
    }

    /// The first line of `panel`.
    public int start(int panel) {
        return starts[panel];
    }

    /// The column of each line.
    public int[] columns() {
        return columns;
    }

    /// The scale of each line of codes.
    public float[] scales() {
        return scales;
    }

    public MemorySegment data() {
        return data;
    }

    /// Lines, columns and scales.
    public long sizeBytes() {
        return data.byteSize()
                + (long) Integer.BYTES * (columns.length + starts.length)
                + (long) Float.BYTES * scales.length;
    }

    /// The weight at place `lane` of line `line`, without its scale where it is a code.
    float value(int line, int lane) {
        return isCoded()
                ? data.get(ValueLayout.JAVA_BYTE, (long) line * lineBytes + lane)
                : Float.float16ToFloat(data.get(SHORT, (long) line * lineBytes + (long) Short.BYTES * lane));
    }

    /// Decodes row `row` into `out[outOffset .. outOffset + width())`.
    public void row(int row, float[] out, int outOffset) {
        Arrays.fill(out, outOffset, outOffset + width, 0);
        int panel = row / PANEL;
        int lane = PackedMatrix.lane(row % PANEL);
        for (int i = starts[panel]; i < starts[panel + 1]; i++) {
            out[outOffset + columns[i]] = value(i, lane) * (isCoded() ? scales[i] : 1);
        }
    }
}
