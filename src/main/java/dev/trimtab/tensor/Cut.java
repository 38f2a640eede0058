package dev.trimtab.tensor;

import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.Internal;
import dev.trimtab.error.Unsupported;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.List;

/// The physical removal of rows or columns from a tensor: what remains lies dense and in order, nothing is
/// masked. A vector is one row, so a bias loses columns where its matrix loses rows.
///
/// @param kept what remains, ascending; one list, or for a stack of matrices (experts) one for each of them,
///     all as long
public record Cut(Axis axis, List<int[]> kept) {
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /// Which extent becomes smaller: the last but one, or the last.
    public enum Axis {
        ROWS,
        COLUMNS
    }

    /// @throws Internal for lists that are empty, not ascending or not equally long
    public Cut {
        kept = List.copyOf(kept);
        if (kept.isEmpty()) {
            throw new Internal("a cut of no matrix");
        }
        for (int[] list : kept) {
            check(list, kept.getFirst().length);
        }
    }

    private static void check(int[] list, int length) {
        if (list.length == 0 || list.length != length || list[0] < 0) {
            throw new Internal(
                    "a cut that keeps " + length + " of each matrix expected, at least one, found " + list.length);
        }
        for (int i = 1; i < list.length; i++) {
            if (list[i] <= list[i - 1]) {
                throw new Internal("a cut expects ascending indices, found " + list[i - 1] + ", " + list[i]);
            }
        }
    }

    public static Cut rows(int... kept) {
        return new Cut(Axis.ROWS, List.of(kept));
    }

    public static Cut columns(int... kept) {
        return new Cut(Axis.COLUMNS, List.of(kept));
    }

    /// Rows or columns that remain in each matrix.
    public int count() {
        return kept.getFirst().length;
    }

    /// The shape of what remains of a tensor of `shape`.
    ///
    /// @throws BadCheckpoint where it has no such rows or columns
    public Shape shape(Shape shape) {
        int extent = shape.rank() - (axis == Axis.ROWS ? 2 : 1);
        long matrices = matrices(shape);
        if (extent < 0 || (kept.size() > 1 && kept.size() != matrices)) {
            throw BadCheckpoint.mismatch("a cut of " + axis, kept.size() + " matrices", shape);
        }
        long[] extents = shape.extents().stream().mapToLong(Long::longValue).toArray();
        for (int[] list : kept) {
            if (list[list.length - 1] >= extents[extent]) {
                throw BadCheckpoint.mismatch(
                        "a cut that keeps " + axis + " to " + list[list.length - 1], "more of them", shape);
            }
        }
        extents[extent] = count();
        return Shape.of(extents);
    }

    private static long matrices(Shape shape) {
        return shape.rank() < 2 ? 1 : shape.rows() / rowsEach(shape);
    }

    private static long rowsEach(Shape shape) {
        return shape.rank() < 2 ? 1 : shape.extents().get(shape.rank() - 2);
    }

    /// What remains of `tensor`, on the heap. Rows keep their encoding, and so do columns that are whole
    /// blocks of it, as single elements of plain floats are; other columns become F32.
    ///
    /// @throws BadCheckpoint where the tensor has no such rows or columns
    /// @throws Unsupported where columns must be decoded and cannot be, or 2 GiB are not enough
    public Tensor apply(Tensor tensor) {
        Shape shape = shape(tensor.shape());
        return switch (axis) {
            case ROWS -> rowsOf(tensor, shape);
            case COLUMNS -> isWholeBlocks(tensor) ? blocksOf(tensor, shape) : elementsOf(tensor, shape);
        };
    }

    private int[] kept(long matrix) {
        return kept.get(kept.size() == 1 ? 0 : Math.toIntExact(matrix));
    }

    private Tensor rowsOf(Tensor tensor, Shape shape) {
        Tensor out = room(tensor, tensor.encoding(), shape);
        long rowBytes = tensor.encoding().sizeBytes(shape.columns());
        long rows = rowsEach(tensor.shape());
        long to = 0;
        for (long matrix = 0; matrix < matrices(shape); matrix++) {
            for (int row : kept(matrix)) {
                MemorySegment.copy(tensor.data(), (matrix * rows + row) * rowBytes, out.data(), to, rowBytes);
                to += rowBytes;
            }
        }
        return out;
    }

    /// Whether what is kept comes in runs that begin and end where blocks do.
    private boolean isWholeBlocks(Tensor tensor) {
        int block = tensor.encoding().blockElements();
        return kept.stream().allMatch(list -> list.length % block == 0 && isRuns(list, block));
    }

    private static boolean isRuns(int[] list, int block) {
        for (int i = 0; i < list.length; i += block) {
            if (list[i] % block != 0 || list[i + block - 1] != list[i] + block - 1) {
                return false;
            }
        }
        return true;
    }

    private Tensor blocksOf(Tensor tensor, Shape shape) {
        Encoding encoding = tensor.encoding();
        Tensor out = room(tensor, encoding, shape);
        long rowBytes = encoding.sizeBytes(tensor.shape().columns());
        long leftBytes = encoding.sizeBytes(shape.columns());
        byte[] row = new byte[Math.toIntExact(rowBytes)];
        byte[] left = new byte[Math.toIntExact(leftBytes)];
        for (long i = 0; i < shape.rows(); i++) {
            MemorySegment.copy(tensor.data(), ValueLayout.JAVA_BYTE, i * rowBytes, row, 0, row.length);
            copyBlocks(encoding, kept(i / rowsEach(shape)), row, left);
            MemorySegment.copy(left, 0, out.data(), ValueLayout.JAVA_BYTE, i * leftBytes, left.length);
        }
        return out;
    }

    /// Byte by byte: blocks of 2 bytes are most common, and a call for each costs more than they do.
    private static void copyBlocks(Encoding encoding, int[] list, byte[] from, byte[] to) {
        int block = encoding.blockElements();
        int bytes = encoding.blockBytes();
        int at = 0;
        for (int i = 0; i < list.length; i += block) {
            int start = list[i] / block * bytes;
            for (int b = 0; b < bytes; b++) {
                to[at++] = from[start + b];
            }
        }
    }

    private Tensor elementsOf(Tensor tensor, Shape shape) {
        Tensor out = room(tensor, Encoding.F32, shape);
        float[] all = new float[Math.toIntExact(tensor.shape().columns())];
        float[] some = new float[count()];
        for (long row = 0; row < shape.rows(); row++) {
            int[] list = kept(row / rowsEach(shape));
            Dequantizer.decodeWeights(tensor, row, all, 0);
            for (int i = 0; i < list.length; i++) {
                some[i] = all[list[i]];
            }
            MemorySegment.copy(some, 0, out.data(), FLOAT, row * Float.BYTES * some.length, some.length);
        }
        return out;
    }

    private static Tensor room(Tensor tensor, Encoding encoding, Shape shape) {
        long sizeBytes = encoding.sizeBytes(shape.elements());
        if (sizeBytes > Integer.MAX_VALUE - Long.BYTES) {
            throw new Unsupported("tensor " + tensor.name() + ": up to 2 GiB can remain of a cut tensor, these are "
                    + sizeBytes + " bytes");
        }
        return new Tensor(tensor.name(), encoding, shape, MemorySegment.ofArray(new byte[(int) sizeBytes]));
    }
}
