package dev.trimtab.kernel.codebook;

import dev.trimtab.kernel.ComputePool;
import dev.trimtab.kernel.PackedMatrix;
import dev.trimtab.tensor.TensorForm;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/// Indices and codebooks in memory, `[rows, columns]`:
///
/// 1. panels of 32 rows, one after the other; a panel is a line for each column; a line is 32 indices of b bits,
///    row r's from bit `b r`, so `4 b` bytes;
/// 2. 8 bytes of nothing, since indices are read eight rows and 64 bits at a time;
/// 3. the centroids as f16, `[books, 2^b]`.
///
/// The memory belongs to the arena it was packed into.
final class PackedCodebook {
    /// Rows of a panel.
    static final int PANEL = PackedMatrix.TILE;

    /// Rows whose indices are read at once: b bytes.
    private static final int READ = 8;

    private static final long ALIGNMENT = 64;

    /// Weights packed in one run of the pool, as in [PackedMatrix].
    private static final long RUN_WEIGHTS = 4L << 20;

    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final int rows;
    private final int columns;
    private final int bits;
    private final int rowsPerBook;
    private final long lineBytes;
    private final long centroidsAt;
    private final MemorySegment data;

    private PackedCodebook(TensorForm.Codebook form, Arena arena) {
        this.rows = Math.toIntExact(form.shape().rows());
        this.columns = Math.toIntExact(form.shape().columns());
        this.bits = form.bits();
        this.rowsPerBook = form.rowsPerBook();
        this.lineBytes = (long) PANEL / Byte.SIZE * bits;
        this.centroidsAt = (long) panels() * columns * lineBytes + Long.BYTES;
        this.data = arena.allocate(centroidsAt + (long) Short.BYTES * form.centroids().length, ALIGNMENT);
    }

    static PackedCodebook pack(TensorForm.Codebook form, ComputePool pool, Arena arena) {
        PackedCodebook packed = new PackedCodebook(form, arena);
        for (int i = 0; i < form.centroids().length; i++) {
            packed.data.set(SHORT, packed.centroidsAt + 2L * i, Float.floatToFloat16(form.centroids()[i]));
        }
        int step = (int) Math.max(pool.threads(), RUN_WEIGHTS / ((long) PANEL * packed.columns));
        for (int first = 0; first < packed.panels(); first += step) {
            int start = first;
            pool.run(Math.min(step, packed.panels() - first), 1, (from, to) -> {
                for (int panel = start + from; panel < start + to; panel++) {
                    packed.packPanel(panel, form.indices());
                }
            });
        }
        return packed;
    }

    /// Rows that a last panel lacks have index 0.
    private void packPanel(int panel, byte[] indices) {
        int present = Math.min(PANEL, rows - panel * PANEL);
        for (int column = 0; column < columns; column++) {
            for (int group = 0; group * READ < present; group++) {
                long packed = 0;
                for (int i = 0; i < READ && group * READ + i < present; i++) {
                    int row = panel * PANEL + group * READ + i;
                    packed |= (long) Byte.toUnsignedInt(indices[row * columns + column]) << (i * bits);
                }
                long at = line(panel, column) + (long) group * bits;
                for (int b = 0; b < bits; b++) {
                    data.set(ValueLayout.JAVA_BYTE, at + b, (byte) (packed >>> (b * Byte.SIZE)));
                }
            }
        }
    }

    int rows() {
        return rows;
    }

    int columns() {
        return columns;
    }

    int panels() {
        return Math.ceilDiv(rows, PANEL);
    }

    long sizeBytes() {
        return data.byteSize();
    }

    /// Floats that [#books] needs room for, at the most.
    int booksRoom() {
        return Math.min(PANEL, Math.ceilDiv(rows, rowsPerBook)) << bits;
    }

    private long line(int panel, int column) {
        return ((long) panel * columns + column) * lineBytes;
    }

    /// Writes the centroids of panel `panel`'s books, as floats, to `books`, and to `starts[r]` where row r's begin.
    void books(int panel, float[] books, int[] starts) {
        int first = panel * PANEL / rowsPerBook;
        int last = first;
        for (int r = 0; r < PANEL; r++) {
            last = Math.min(panel * PANEL + r, rows - 1) / rowsPerBook;
            starts[r] = (last - first) << bits;
        }
        for (int i = 0; i < (last + 1 - first) << bits; i++) {
            books[i] = centroid((first << bits) + i);
        }
    }

    private float centroid(int index) {
        return Float.float16ToFloat(data.get(SHORT, centroidsAt + 2L * index));
    }

    /// Decodes the columns `[from, to)` of panel `panel` to lines of 32 floats; `books` and `starts` are [#books]'s.
    void decode(int panel, int from, int to, float[] books, int[] starts, float[] lines) {
        int b = bits;
        int mask = (1 << b) - 1;
        for (int column = from; column < to; column++) {
            long line = line(panel, column);
            int at = (column - from) * PANEL;
            for (int r = 0; r < PANEL; r += READ) {
                long eight = data.get(LONG, line + (long) r / READ * b);
                lines[at + r] = books[starts[r] + ((int) eight & mask)];
                lines[at + r + 1] = books[starts[r + 1] + ((int) (eight >>> b) & mask)];
                lines[at + r + 2] = books[starts[r + 2] + ((int) (eight >>> (2 * b)) & mask)];
                lines[at + r + 3] = books[starts[r + 3] + ((int) (eight >>> (3 * b)) & mask)];
                lines[at + r + 4] = books[starts[r + 4] + ((int) (eight >>> (4 * b)) & mask)];
                lines[at + r + 5] = books[starts[r + 5] + ((int) (eight >>> (5 * b)) & mask)];
                lines[at + r + 6] = books[starts[r + 6] + ((int) (eight >>> (6 * b)) & mask)];
                lines[at + r + 7] = books[starts[r + 7] + ((int) (eight >>> (7 * b)) & mask)];
            }
        }
    }

    /// Decodes row `row` into `out[at .. at + columns)`.
    void row(int row, float[] out, int at) {
        int r = row % PANEL;
        int book = (row / rowsPerBook) << bits;
        for (int column = 0; column < columns; column++) {
            long eight = data.get(LONG, line(row / PANEL, column) + (long) r / READ * bits);
            out[at + column] = centroid(book + ((int) (eight >>> (r % READ * bits)) & ((1 << bits) - 1)));
        }
    }
}
