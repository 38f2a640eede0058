package dev.trimtab.checkpoint.huggingface;

import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.Unsupported;
import dev.trimtab.tensor.Dequantizer;
import dev.trimtab.tensor.Encoding;
import dev.trimtab.tensor.Shape;
import dev.trimtab.tensor.Tensor;
import dev.trimtab.tensor.quantize.Quantizer;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.LongFunction;

/// One matrix as [CompressedTensors] stores it, `w[r, c] = (q[r, c] - zero[r, g(c)]) scale[r, g(c)]`,
/// and its way to a [Tensor]:
///
/// - `Q4_0` (4.5 bits) where all `q - zero` lie in -8..7, or else `Q8_0` (8.5 bits) where they lie in
///   -128..127: exactly, each block of 32 with its group's scale. So come all symmetric matrices of 4
///   and 8 bits, and asymmetric ones of 4.
/// - Otherwise the encoding of the scales (F32, BF16 or F16: 16 or 32 bits), each weight rounded to it,
///   as transformers decompresses them: where a scale is no f16, a group no multiple of 32 columns,
///   columns were reordered, 8 bits are asymmetric, or weights are floats.
final class QuantizedMatrix {
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final int BLOCK = 32;

    /// A row's and a matrix's scales are held as floats on the heap.
    private static final int SCALES_MAX = 1 << 28;

    private final String source;
    private final String name;
    private final Map<String, Tensor> stored;
    private final Tensor codes;
    private final int bits;
    private final int rows;
    private final int columns;
    private final Encoding scaleEncoding;
    private final int scaleRows;
    private final int groups;
    private final float[] scales;
    private final float[] zeros;
    private final int[] groupOf;
    private final boolean isReordered;

    private QuantizedMatrix(String source, String name, Map<String, Tensor> stored, Set<Integer> bitsNamed) {
        this.source = source;
        this.name = name;
        this.stored = stored;
        Optional<Tensor> packed = part("_packed");
        if (packed.isPresent() && stored.containsKey(name)) {
            throw mismatch("", "none beside the packed one", "one");
        }
        this.codes = packed.orElseGet(() -> required(""));
        Shape shape = packed.isPresent() ? packedShape() : codes.shape();
        this.rows = extent(shape, 0);
        this.columns = extent(shape, 1);
        this.bits = packed.isPresent() ? packedBits(bitsNamed) : plainBits();
        Tensor scale = required("_scale");
        this.scaleEncoding = scale.encoding();
        this.scaleRows = scale.shape().rank() == 2 ? extent(scale.shape(), 0) : scaleRowsOfVector(scale);
        long count = scale.shape().elements();
        this.groups = Math.toIntExact(count / scaleRows);
        check(scale, count);
        this.scales = floats(scale);
        this.zeros = zeros();
        this.groupOf = new int[columns];
        this.isReordered = fillGroups();
    }

    /// The matrix `name`, whose parts stand in `stored` and whose weights have one of the numbers of
    /// bits in `bitsNamed`, which the configuration names.
    ///
    /// @throws BadCheckpoint where parts lack or contradict each other
    /// @throws Unsupported for bits and groups unknown here
    static QuantizedMatrix of(String source, String name, Map<String, Tensor> stored, Set<Integer> bitsNamed) {
        return new QuantizedMatrix(source, name, stored, bitsNamed);
    }

    /// The matrix in the encoding that its parts allow, in memory of `allocate`'s.
    Tensor tensor(LongFunction<MemorySegment> allocate) {
        Encoding encoding = encoding();
        Shape shape = Shape.of(rows, columns);
        MemorySegment data = allocate.apply(encoding.sizeBytes(shape.elements()));
        float[] row = new float[columns];
        for (int r = 0; r < rows; r++) {
            codes(r, row);
            long at = r * encoding.sizeBytes(columns);
            switch (encoding) {
                case Q4_0 -> nibbles(r, row, data, at);
                case Q8_0 -> bytes(r, row, data, at);
                default -> {
                    for (int c = 0; c < columns; c++) {
                        row[c] *= scale(r, c);
                    }
                    Quantizer.encode(encoding, row, data, at);
                }
            }
        }
        return new Tensor(name, encoding, shape, data.asReadOnly());
    }

    private Encoding encoding() {
        boolean inBlocks = codes.encoding() != Encoding.F8_E4M3
                && !isReordered
                && columns % BLOCK == 0
                && (groups == 1 || columns / groups % BLOCK == 0);
        if (!inBlocks || !scalesAreHalves()) {
            return scaleEncoding;
        }
        float greatestZero = 0;
        float leastZero = 0;
        for (float zero : zeros) {
            greatestZero = Math.max(greatestZero, zero);
            leastZero = Math.min(leastZero, zero);
        }
        float least = -(1 << (bits - 1)) - greatestZero;
        float greatest = (1 << (bits - 1)) - 1 - leastZero;
        if (least >= -8 && greatest <= 7) {
            return Encoding.Q4_0;
        }
        return least >= -128 && greatest <= 127 ? Encoding.Q8_0 : scaleEncoding;
    }

    private boolean scalesAreHalves() {
        for (float scale : scales) {
            if (Float.float16ToFloat(Float.floatToFloat16(scale)) != scale) {
                return false;
            }
        }
        return true;
    }

    /// Writes `q - zero` of a row to `out`.
    private void codes(int row, float[] out) {
        if (codes.encoding() == Encoding.I32) {
            int perWord = 32 / bits;
            long words = codes.shape().columns();
            for (int c = 0; c < columns; c++) {
                int word = codes.data().get(INT, 4 * (row * words + c / perWord));
                out[c] = field(word, c % perWord);
            }
        } else {
            Dequantizer.decodeRow(codes, row, out, 0);
        }
        if (zeros.length > 0) {
            for (int c = 0; c < columns; c++) {
                out[c] -= zeros[index(row, groupOf[c])];
            }
        }
    }

    private void nibbles(int row, float[] q, MemorySegment data, long at) {
        for (int block = 0; block < columns / BLOCK; block++) {
            long to = at + 18L * block;
            data.set(SHORT, to, Float.floatToFloat16(scale(row, block * BLOCK)));
            for (int j = 0; j < 16; j++) {
                int low = (int) q[block * BLOCK + j] + 8;
                int high = (int) q[block * BLOCK + j + 16] + 8;
                data.set(ValueLayout.JAVA_BYTE, to + 2 + j, (byte) (low | high << 4));
            }
        }
    }

    private void bytes(int row, float[] q, MemorySegment data, long at) {
        for (int block = 0; block < columns / BLOCK; block++) {
            long to = at + 34L * block;
            data.set(SHORT, to, Float.floatToFloat16(scale(row, block * BLOCK)));
            for (int j = 0; j < BLOCK; j++) {
                data.set(ValueLayout.JAVA_BYTE, to + 2 + j, (byte) q[block * BLOCK + j]);
            }
        }
    }

    private float scale(int row, int column) {
        return scales[index(row, groupOf[column])];
    }

    private int index(int row, int group) {
        return scaleRows == 1 ? group : row * groups + group;
    }

    private int field(int word, int index) {
        return (word >>> (bits * index) & ((1 << bits) - 1)) - (1 << (bits - 1));
    }

    private Optional<Tensor> part(String suffix) {
        return Optional.ofNullable(stored.get(name + suffix));
    }

    private Tensor required(String suffix) {
        return part(suffix).orElseThrow(() -> mismatch(suffix, "one", "none"));
    }

    private Shape packedShape() {
        Tensor shape = required("_shape");
        boolean whole = shape.encoding() == Encoding.I64 || shape.encoding() == Encoding.I32;
        if (!whole || shape.shape().elements() != 2) {
            throw mismatch("_shape", "two I64 or I32", shape.encoding() + " " + shape.shape());
        }
        float[] extents = floats(shape);
        if (!(extents[0] >= 1 && extents[1] >= 1)) {
            throw mismatch("_shape", "two extents of at least 1", Arrays.toString(extents));
        }
        return Shape.of((long) extents[0], (long) extents[1]);
    }

    private int extent(Shape shape, int index) {
        if (shape.rank() != 2 || shape.extents().get(index) > 1 << 24) {
            throw mismatch("", "a matrix of at most 2^24 rows and columns", shape);
        }
        return Math.toIntExact(shape.extents().get(index));
    }

    private int packedBits(Set<Integer> bitsNamed) {
        Shape shape = codes.shape();
        for (int candidate : new int[] {4, 8}) {
            if (codes.encoding() == Encoding.I32
                    && bitsNamed.contains(candidate)
                    && shape.equals(Shape.of(rows, Math.ceilDiv(columns, 32 / candidate)))) {
                return candidate;
            }
        }
        throw new Unsupported(where("_packed") + ": " + codes.encoding() + " " + shape + " for [" + rows + ", "
                + columns + "] and " + bitsNamed + " bits a weight; I32 of 4 and 8 can be read");
    }

    private int plainBits() {
        return switch (codes.encoding()) {
            case I8, F8_E4M3 -> 8;
            default ->
                throw new Unsupported(
                        where("") + ": scales for " + codes.encoding() + "; for I8 and F8_E4M3 they can be read");
        };
    }

    private int scaleRowsOfVector(Tensor scale) {
        return scale.shape().elements() == rows ? rows : 1;
    }

    private void check(Tensor scale, long count) {
        boolean isFloat = switch (scaleEncoding) {
            case F32, F16, BF16 -> true;
            default -> false;
        };
        if (!isFloat || count > SCALES_MAX) {
            throw mismatch("_scale", "at most " + SCALES_MAX + " F32, F16 or BF16", count + " " + scaleEncoding);
        }
        if ((scaleRows != rows && scaleRows != 1) || groups > columns || columns % groups != 0) {
            throw new Unsupported(where("_scale") + ": shape " + scale.shape() + " for [" + rows + ", " + columns
                    + "]; a scale for each row, or group of columns of a row, can be read");
        }
    }

    /// As many as there are scales; none where the codes are symmetric.
    private float[] zeros() {
        Optional<Tensor> part = part("_zero_point");
        if (part.isEmpty()) {
            return new float[0];
        }
        Tensor zero = part.get();
        if (zero.encoding() == Encoding.I32 && codes.encoding() == Encoding.I32) {
            return packedZeros(zero);
        }
        if (zero.shape().elements() != scales.length || !Dequantizer.canDecode(zero.encoding())) {
            throw mismatch("_zero_point", scales.length + " numbers", zero.encoding() + " " + zero.shape());
        }
        return floats(zero);
    }

    private float[] packedZeros(Tensor zero) {
        int perWord = 32 / bits;
        Shape expected = Shape.of(Math.ceilDiv(scaleRows, perWord), groups);
        if (!zero.shape().equals(expected)) {
            throw mismatch("_zero_point", expected, zero.shape());
        }
        float[] zeros = new float[scales.length];
        for (int i = 0; i < zeros.length; i++) {
            int row = i / groups;
            long word = (long) (row / perWord) * groups + i % groups;
            zeros[i] = field(zero.data().get(INT, 4 * word), row % perWord);
        }
        return zeros;
    }

    /// Which group each column is of; answers whether a group's columns do not lie side by side.
    private boolean fillGroups() {
        for (int c = 0; c < columns; c++) {
            groupOf[c] = c / (columns / groups);
        }
        float[] given = part("_g_idx").map(this::floats).orElse(new float[0]);
        boolean isGiven = false;
        for (float group : given) {
            isGiven |= group != -1;
        }
        if (!isGiven) {
            return false;
        }
        if (given.length != columns) {
            throw mismatch("_g_idx", columns + " groups", given.length);
        }
        boolean reordered = false;
        for (int c = 0; c < columns; c++) {
            if (!(given[c] >= 0 && given[c] < groups)) {
                throw mismatch("_g_idx", "groups of 0.." + (groups - 1), given[c]);
            }
            reordered |= groupOf[c] != (int) given[c];
            groupOf[c] = (int) given[c];
        }
        return reordered;
    }

    private float[] floats(Tensor tensor) {
        if (tensor.shape().elements() > SCALES_MAX) {
            throw BadCheckpoint.mismatch(
                    source + ": tensor " + tensor.name(), "at most " + SCALES_MAX + " numbers", tensor.shape());
        }
        float[] floats = new float[Math.toIntExact(tensor.shape().elements())];
        Dequantizer.decode(tensor.encoding(), tensor.data(), 0, floats, 0, floats.length);
        return floats;
    }

    private String where(String suffix) {
        return source + ": tensor " + name + suffix;
    }

    private BadCheckpoint mismatch(String suffix, Object expected, Object found) {
        return BadCheckpoint.mismatch(where(suffix), expected, found);
    }
}
