package dev.trimtab.kernel;

import dev.trimtab.error.Unsupported;
import dev.trimtab.kernel.memory.MappedPages;
import dev.trimtab.tensor.CodeScales;
import dev.trimtab.tensor.Dequantizer;
import dev.trimtab.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicBoolean;

/// A matrix `[rows, columns]` in tiles of 32 rows by 32 columns, both padded with zeros to whole tiles.
/// 32 rows over all columns are a panel; panels follow each other, and in a panel its tiles from left to
/// right. A vector lane is a row: no kernel needs a sum across lanes. A tile is, for
///
/// 1. `F32`, `F16`, `BF16`: 32 lines, one for each column, of 32 elements, one for each row.
/// 2. Codes: the low plane, then the high one, or where both have as many lines, line by line in turn. A plane of b
/// bits is lines of 32 shorts, one for each row; the
///    short at (p, r) holds the codes of row r and of the 16 / b columns from `16 p / b`, the first lowest.
///    Then 32 scales d in f16, one for each row, and in asymmetric formats 32 minima.
///
/// Scales are in 16 bits because those of ggml's simple encodings are, so that these are packed without
/// loss; what is quantized here rounds its scale first and chooses codes for the rounded one.
///
/// A matrix with an element beyond f16's range is held in F32 where F16 was asked for: kernels may take
/// every f16 for a number.
///
/// The memory belongs to the arena it was packed into.
public final class PackedMatrix {
    /// Rows and columns of a tile.
    public static final int TILE = 32;

    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /// The exponent of infinities and NaN in f16.
    private static final int F16_INFINITY = 0x7c00;

    private static final int F16_LOWEST_EXPONENT = 0x0400;

    /// A cache line, so that no line of a tile straddles two.
    private static final long ALIGNMENT = 64;

    /// Weights packed in one run of the pool: some milliseconds, so that a step of a served model, which
    /// shares the pool, is not held up for long while another is loaded.
    private static final long RUN_WEIGHTS = 4L << 20;

    private final PackedFormat format;
    private final int rows;
    private final int columns;
    private final int tileColumns;
    private final long tileBytes;
    private final MemorySegment data;
    private final AtomicBoolean overflowed = new AtomicBoolean();

    private PackedMatrix(PackedFormat format, int rows, int columns, Arena arena) {
        this.format = format;
        this.rows = rows;
        this.columns = columns;
        this.tileColumns = Math.ceilDiv(columns, TILE);
        this.tileBytes = format.tileBytes();
        this.data = arena.allocate(panels() * panelBytes(), ALIGNMENT);
    }

    /// Packs `weight`, whose shape is read as `[rows, columns]`, on `pool`.
    ///
    /// @throws Unsupported for an encoding that cannot be decoded
    public static PackedMatrix pack(Tensor weight, PackedFormat format, ComputePool pool, Arena arena) {
        if (!Dequantizer.canDecode(weight.encoding())) {
            throw new Unsupported(weight.name() + ": encoding " + weight.encoding() + " cannot be decoded");
        }
        int rows = Math.toIntExact(weight.shape().rows());
        int columns = Math.toIntExact(weight.shape().columns());
        PackedMatrix packed = new PackedMatrix(format, rows, columns, arena);
        packed.fill(weight, pool);
        return packed.overflowed.get() ? pack(weight, PackedFormat.F32, pool, arena) : packed;
    }

    /// Source pages go as soon as they are packed: those of a large vocabulary are a good part of a model.
    private void fill(Tensor weight, ComputePool pool) {
        int panels = panels();
        long panelBytes = TILE * weight.encoding().sizeBytes(columns);
        int step = (int) Math.max(pool.threads(), RUN_WEIGHTS / ((long) TILE * columns));
        for (int first = 0; first < panels; first += step) {
            int start = first;
            pool.run(Math.min(step, panels - first), 1, (from, to) -> {
                Packer packer = new Packer(weight);
                for (int panel = start + from; panel < start + to; panel++) {
                    packer.pack(panel);
                }
            });
            long at = first * panelBytes;
            MappedPages.release(weight.data()
                    .asSlice(at, Math.min(step * panelBytes, weight.data().byteSize() - at)));
        }
    }

    /// Where row `row` of a tile lies in a line of less than 32 bits: its first half in the even places,
    /// its second in the odd ones. Widening a vector of pairs by shifts gives the even places and the odd
    /// ones, hence whole runs of rows, at any vector width.
    public static int lane(int row) {
        return row < TILE / 2 ? 2 * row : 2 * row - TILE + 1;
    }

    public PackedFormat format() {
        return format;
    }

    public int rows() {
        return rows;
    }

    public int columns() {
        return columns;
    }

    public int panels() {
        return Math.ceilDiv(rows, TILE);
    }

    /// Tiles in a panel.
    public int tileColumns() {
        return tileColumns;
    }

    public long tileBytes() {
        return tileBytes;
    }

    public long panelBytes() {
        return tileColumns * tileBytes;
    }

    public long sizeBytes() {
        return data.byteSize();
    }

    public MemorySegment data() {
        return data;
    }

    /// Decodes row `row` into `out[outOffset .. outOffset + columns())`.
    public void row(int row, float[] out, int outOffset) {
        long tile = row / TILE * panelBytes();
        int lane = format == PackedFormat.F32 ? row % TILE : lane(row % TILE);
        for (int column = 0; column < columns; column++) {
            out[outOffset + column] = weight(tile + column / TILE * tileBytes, column % TILE, lane);
        }
    }

    /// Copies the codes of row `row` in columns `32 block .. 32 block + 32` to `out`; formats of codes only.
    public void codes(int row, int block, byte[] out) {
        long tile = tile(row, block);
        for (int column = 0; column < TILE; column++) {
            out[column] = (byte) code(tile, column, lane(row % TILE));
        }
    }

    /// The scale of the codes that [#codes] copies.
    public float scale(int row, int block) {
        return half(tile(row, block) + format.scalesOffset() + 2L * lane(row % TILE));
    }

    /// The minimum of the codes that [#codes] copies; asymmetric formats only.
    public float minimum(int row, int block) {
        return half(tile(row, block) + format.scalesOffset() + 2L * (TILE + lane(row % TILE)));
    }

    private long tile(int row, int block) {
        return row / TILE * panelBytes() + block * tileBytes;
    }

    /// The weight in line `column` and place `lane` of the tile at byte `tile`.
    private float weight(long tile, int column, int lane) {
        int element = column * TILE + lane;
        return switch (format) {
            case F32 -> data.get(FLOAT, tile + 4L * element);
            case F16 -> Float.float16ToFloat(data.get(SHORT, tile + 2L * element));
            case BF16 -> Float.intBitsToFloat(data.get(SHORT, tile + 2L * element) << 16);
            default -> {
                float scale = half(tile + format.scalesOffset() + 2L * lane);
                int code = code(tile, column, lane);
                yield format.isAsymmetric()
                        ? code * scale + half(tile + format.scalesOffset() + 2L * (TILE + lane))
                        : (code - (1 << (format.codeBits() - 1))) * scale;
            }
        };
    }

    /// The code in line `column` and place `lane` of the tile at byte `tile`, `0 .. 2^bits - 1`.
    int code(long tile, int column, int lane) {
        int low = bits(tile, format.lowBits(), column, lane);
        if (format.highBits() == 0) {
            return low;
        }
        long highPlane = tile + format.highPlaneOffset();
        return low | bits(highPlane, format.highBits(), column, lane) << format.lowBits();
    }

    private int bits(long plane, int bits, int column, int lane) {
        int perShort = Short.SIZE / bits;
        int packed = data.get(SHORT, plane + 2L * (column / perShort * TILE + lane));
        return (packed >> (column % perShort * bits)) & ((1 << bits) - 1);
    }

    private float half(long at) {
        return Float.float16ToFloat(data.get(SHORT, at));
    }

    /// Packs panels of one tensor, tile by tile: a tile is turned to lanes first, so that all that
    /// follows is plain loops over lanes, which the compiler vectorizes. One thread's.
    private final class Packer {
        private final Tensor weight;
        private final int stride = tileColumns * TILE;
        private final CodeScales codeScales;
        private final boolean keepsScales;
        private final float[] decoded = new float[TILE * stride];
        private final float[] tile = new float[TILE * TILE];
        private final float[] lowest = new float[TILE];
        private final float[] highest = new float[TILE];
        private final float[] inverses = new float[TILE];
        private final float[] offsets = new float[TILE];
        private final short[] halves = new short[TILE * TILE];
        private final short[] minima = new short[TILE];
        private final int[] codes = new int[TILE * TILE];
        private final int[] gathered = new int[TILE];
        private final short[] shorts = new short[TILE];
        private long firstRow;

        Packer(Tensor weight) {
            this.weight = weight;
            this.codeScales = CodeScales.of(weight.encoding());
            this.keepsScales = codeScales.codeBits() > 0
                    && codeScales.codeBits() <= format.codeBits()
                    && codeScales.hasMinimum() == format.isAsymmetric();
        }

        void pack(int panel) {
            firstRow = (long) panel * TILE;
            int present = (int) Math.min(TILE, rows - firstRow);
            for (int row = 0; row < present; row++) {
                Dequantizer.decodeWeights(weight, firstRow + row, decoded, row * stride);
            }
            Arrays.fill(decoded, present * stride, decoded.length, 0);
            for (int column = 0; column < tileColumns; column++) {
                long at = panel * panelBytes() + column * tileBytes;
                turn(column * TILE);
                switch (format) {
                    case F32 -> MemorySegment.copy(tile, 0, data, FLOAT, at, tile.length);
                    case F16 -> packF16(at);
                    case BF16 -> packBf16(at);
                    default -> packCodes(at, column * TILE);
                }
            }
        }

        /// `[rows, columns]` to `[columns, lanes]`
        private void turn(int from) {
            for (int row = 0; row < TILE; row++) {
                int place = format == PackedFormat.F32 ? row : lane(row);
                int start = row * stride + from;
                for (int column = 0; column < TILE; column++) {
                    tile[column * TILE + place] = decoded[start + column];
                }
            }
        }

        private void packF16(long at) {
            int exponents = 0;
            for (int i = 0; i < tile.length; i++) {
                halves[i] = Float.floatToFloat16(tile[i]);
                exponents |= (halves[i] & F16_INFINITY) + F16_LOWEST_EXPONENT;
            }
            if (exponents > F16_INFINITY) {
                overflowed.set(true);
            }
            MemorySegment.copy(halves, 0, data, SHORT, at, halves.length);
        }

        private void packBf16(long at) {
            for (int i = 0; i < tile.length; i++) {
                halves[i] = Bfloat16.of(tile[i]);
            }
            MemorySegment.copy(halves, 0, data, SHORT, at, halves.length);
        }

        private void packCodes(long at, int from) {
            if (keepsScales) {
                takeScales(from);
            } else if (format.isAsymmetric()) {
                chooseScalesAndMinima();
            } else {
                chooseScales();
            }
            fillCodes();
            packPlane(at, format.lowBits(), 0);
            if (format.highBits() > 0) {
                packPlane(at + format.highPlaneOffset(), format.highBits(), format.lowBits());
            }
            MemorySegment.copy(halves, 0, data, SHORT, at + format.scalesOffset(), TILE);
            if (format.isAsymmetric()) {
                MemorySegment.copy(minima, 0, data, SHORT, at + format.scalesOffset() + 2L * TILE, TILE);
            }
        }

        /// Blocks that are quantized already, to codes that `format` holds, keep their own scales, which
        /// makes the codes come out as they were.
        private void takeScales(int from) {
            for (int row = 0; row < TILE; row++) {
                boolean present = firstRow + row < rows;
                float scale = present ? codeScales.scale(weight, firstRow + row, from) : 0;
                float minimum = present ? codeScales.minimum(weight, firstRow + row, from) : 0;
                halves[lane(row)] = Float.floatToFloat16(scale);
                minima[lane(row)] = Float.floatToFloat16(minimum);
            }
        }

        private void findExtremes() {
            System.arraycopy(tile, 0, lowest, 0, TILE);
            System.arraycopy(tile, 0, highest, 0, TILE);
            for (int column = 1; column < TILE; column++) {
                for (int lane = 0; lane < TILE; lane++) {
                    lowest[lane] = Math.min(lowest[lane], tile[column * TILE + lane]);
                    highest[lane] = Math.max(highest[lane], tile[column * TILE + lane]);
                }
            }
        }

        /// The element of largest magnitude at the lowest code, whatever its sign, as ggml's Q4_0 has it,
        /// so that all codes are used; INT8, which has plenty, at 127.
        private void chooseScales() {
            findExtremes();
            float divisor = format == PackedFormat.INT8 ? 127 : -(1 << (format.codeBits() - 1));
            for (int lane = 0; lane < TILE; lane++) {
                float extreme = highest[lane] > -lowest[lane] ? highest[lane] : lowest[lane];
                float scale = format == PackedFormat.INT8 ? Math.abs(extreme) / divisor : extreme / divisor;
                halves[lane] = Float.floatToFloat16(scale);
            }
        }

        /// The lowest element at code 0, the highest at the last.
        private void chooseScalesAndMinima() {
            findExtremes();
            int last = (1 << format.codeBits()) - 1;
            for (int lane = 0; lane < TILE; lane++) {
                halves[lane] = Float.floatToFloat16((highest[lane] - lowest[lane]) / last);
                minima[lane] = Float.floatToFloat16(lowest[lane]);
            }
        }

        private void fillCodes() {
            int last = (1 << format.codeBits()) - 1;
            float centre = format.isAsymmetric() ? 0 : 1 << (format.codeBits() - 1);
            for (int lane = 0; lane < TILE; lane++) {
                float scale = Float.float16ToFloat(halves[lane]);
                inverses[lane] = scale == 0 ? 0 : 1 / scale;
                float minimum = format.isAsymmetric() ? Float.float16ToFloat(minima[lane]) : 0;
                offsets[lane] = centre + 0.5f - minimum * inverses[lane];
            }
            for (int column = 0; column < TILE; column++) {
                for (int lane = 0; lane < TILE; lane++) {
                    int i = column * TILE + lane;
                    int code = (int) (tile[i] * inverses[lane] + offsets[lane]);
                    codes[i] = Math.max(0, Math.min(code, last));
                }
            }
        }

        /// Gathers `bits` bits from bit `from` of each code.
        private void packPlane(long at, int bits, int from) {
            int perShort = Short.SIZE / bits;
            int mask = (1 << bits) - 1;
            int lines = TILE / perShort;
            for (int line = 0; line < lines; line++) {
                Arrays.fill(gathered, 0);
                for (int i = 0; i < perShort; i++) {
                    int shift = i * bits;
                    int start = (line * perShort + i) * TILE;
                    for (int lane = 0; lane < TILE; lane++) {
                        gathered[lane] |= ((codes[start + lane] >> from) & mask) << shift;
                    }
                }
                for (int lane = 0; lane < TILE; lane++) {
                    shorts[lane] = (short) gathered[lane];
                }
                MemorySegment.copy(shorts, 0, data, SHORT, at + 2L * line * TILE, TILE);
            }
        }
    }
}
