package dev.trimtab.kernel;

import dev.trimtab.error.Unsupported;
import dev.trimtab.tensor.Dequantizer;
import dev.trimtab.tensor.Encoding;
import dev.trimtab.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicBoolean;

/// A matrix `[rows, columns]` in tiles of 32 rows by 32 columns, both padded with zeros to whole tiles. 32
/// rows over all columns are a panel; panels follow each other, and in a panel its tiles from left to right.
/// A vector lane is a row: no kernel needs a sum across lanes. A tile is, for
///
/// 1. `F32`, `F16`, `BF16`: 32 lines, one for each column, of 32 elements, one for each row.
/// 2. `INT8`: 32 such lines of signed bytes q; 32 scales d in f16, one for each row; `w = d q`.
/// 3. `INT4`: 16 lines of 32 bytes, in byte (p, r) the code of row r and column 2p low, that of column 2p + 1
///    high; 32 scales d in f16; `w = d (q - 8)`.
///
/// Scales are in 16 bits because those of Q8_0 and Q4_0 are, so that these encodings are packed without loss;
/// what is quantized here rounds its scale first and chooses codes for the rounded one.
///
/// A matrix with an element beyond f16's range is held in F32 where F16 was asked for: kernels may take every
/// f16 for a number.
///
/// The memory belongs to the arena it was packed into.
final class PackedMatrix {
    /// Rows and columns of a tile.
    static final int TILE = 32;

    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfByte BYTE = ValueLayout.JAVA_BYTE;

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
        this.tileBytes = tileBytes(format);
        this.data = arena.allocate(panels() * panelBytes(), ALIGNMENT);
    }

    /// Packs `weight`, whose shape is read as `[rows, columns]`, on `pool`.
    ///
    /// @throws Unsupported for an encoding that cannot be decoded
    static PackedMatrix pack(Tensor weight, PackedFormat format, ComputePool pool, Arena arena) {
        if (!Dequantizer.canDecode(weight.encoding())) {
            throw new Unsupported(weight.name() + ": encoding " + weight.encoding() + " cannot be decoded");
        }
        int rows = Math.toIntExact(weight.shape().rows());
        int columns = Math.toIntExact(weight.shape().columns());
        PackedMatrix packed = new PackedMatrix(format, rows, columns, arena);
        packed.fill(weight, pool);
        boolean overflowed = packed.overflowed.get();
        return overflowed ? pack(weight, PackedFormat.F32, pool, arena) : packed;
    }

    private void fill(Tensor weight, ComputePool pool) {
        int panels = panels();
        int step = (int) Math.max(pool.threads(), RUN_WEIGHTS / ((long) TILE * columns));
        for (int first = 0; first < panels; first += step) {
            int start = first;
            pool.run(Math.min(step, panels - first), 1, (from, to) -> {
                Packer packer = new Packer(weight);
                for (int panel = start + from; panel < start + to; panel++) {
                    packer.pack(panel);
                }
            });
        }
    }

    /// Where row `row` of a tile lies in a line of less than 32 bits: its first half in the even places, its
    /// second in the odd ones. Widening a vector of pairs by shifts gives the even places and the odd ones,
    /// hence whole runs of rows, at any vector width.
    static int lane(int row) {
        return row < TILE / 2 ? 2 * row : 2 * row - TILE + 1;
    }

    static long tileBytes(PackedFormat format) {
        int weights = TILE * TILE;
        return switch (format) {
            case F32 -> 4L * weights;
            case F16, BF16 -> 2L * weights;
            case INT8 -> weights + 2L * TILE;
            case INT4 -> weights / 2 + 2L * TILE;
        };
    }

    PackedFormat format() {
        return format;
    }

    int rows() {
        return rows;
    }

    int columns() {
        return columns;
    }

    int panels() {
        return Math.ceilDiv(rows, TILE);
    }

    /// Tiles in a panel.
    int tileColumns() {
        return tileColumns;
    }

    long tileBytes() {
        return tileBytes;
    }

    long panelBytes() {
        return tileColumns * tileBytes;
    }

    long sizeBytes() {
        return data.byteSize();
    }

    MemorySegment data() {
        return data;
    }

    /// Decodes row `row` into `out[outOffset .. outOffset + columns())`.
    void row(int row, float[] out, int outOffset) {
        long tile = row / TILE * panelBytes();
        int lane = format == PackedFormat.F32 ? row % TILE : lane(row % TILE);
        for (int column = 0; column < columns; column++) {
            out[outOffset + column] = weight(tile + column / TILE * tileBytes, column % TILE, lane);
        }
    }

    /// The weight in line `column` and place `lane` of the tile at byte `tile`.
    private float weight(long tile, int column, int lane) {
        int element = column * TILE + lane;
        return switch (format) {
            case F32 -> data.get(FLOAT, tile + 4L * element);
            case F16 -> Float.float16ToFloat(data.get(SHORT, tile + 2L * element));
            case BF16 -> Float.intBitsToFloat(data.get(SHORT, tile + 2L * element) << 16);
            case INT8 -> data.get(BYTE, tile + element) * scale(tile, lane);
            case INT4 -> (nibble(tile, column, lane) - 8) * scale(tile, lane);
        };
    }

    private int nibble(long tile, int column, int lane) {
        int four = data.get(SHORT, tile + 2L * (column / 4 * TILE + lane));
        return (four >> (column % 4 * 4)) & 15;
    }

    private float scale(long tile, int lane) {
        return Float.float16ToFloat(data.get(SHORT, tile + tileBytes - 2L * TILE + 2L * lane));
    }

    /// Packs panels of one tensor, tile by tile: a tile is turned to lanes first, so that all that follows is
    /// plain loops over lanes, which the compiler vectorizes. One thread's.
    private final class Packer {
        private final Tensor weight;
        private final int stride = tileColumns * TILE;
        private final boolean keepsScales;
        private final float[] decoded = new float[TILE * stride];
        private final float[] tile = new float[TILE * TILE];
        private final float[] lowest = new float[TILE];
        private final float[] highest = new float[TILE];
        private final float[] inverses = new float[TILE];
        private final short[] halves = new short[TILE * TILE];
        private final byte[] codes = new byte[TILE * TILE];
        private final short[] nibbles = new short[TILE * TILE / 4];
        private long firstRow;

        Packer(Tensor weight) {
            this.weight = weight;
            this.keepsScales = weight.encoding() == Encoding.Q4_0
                    || (weight.encoding() == Encoding.Q8_0 && format == PackedFormat.INT8);
        }

        void pack(int panel) {
            firstRow = (long) panel * TILE;
            int present = (int) Math.min(TILE, rows - firstRow);
            for (int row = 0; row < present; row++) {
                Dequantizer.decodeRow(weight, firstRow + row, decoded, row * stride);
            }
            Arrays.fill(decoded, present * stride, decoded.length, 0);
            for (int column = 0; column < tileColumns; column++) {
                long at = panel * panelBytes() + column * tileBytes;
                turn(column * TILE);
                switch (format) {
                    case F32 -> MemorySegment.copy(tile, 0, data, FLOAT, at, tile.length);
                    case F16 -> packF16(at);
                    case BF16 -> packBf16(at);
                    case INT8, INT4 -> packCodes(at, column * TILE);
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
                halves[i] = toBfloat16(tile[i]);
            }
            MemorySegment.copy(halves, 0, data, SHORT, at, halves.length);
        }

        private void packCodes(long at, int from) {
            if (keepsScales) {
                takeScales(from);
            } else {
                chooseScales();
            }
            for (int lane = 0; lane < TILE; lane++) {
                float scale = Float.float16ToFloat(halves[lane]);
                inverses[lane] = scale == 0 ? 0 : 1 / scale;
            }
            if (format == PackedFormat.INT8) {
                fillBytes();
                MemorySegment.copy(codes, 0, data, BYTE, at, codes.length);
            } else {
                fillNibbles();
                MemorySegment.copy(nibbles, 0, data, SHORT, at, nibbles.length);
            }
            MemorySegment.copy(halves, 0, data, SHORT, at + tileBytes - 2L * TILE, TILE);
        }

        /// A block that is quantized already, to codes that `format` holds, keeps its own scale, which
        /// makes the codes come out as they were.
        private void takeScales(int from) {
            long rowBytes = weight.encoding().sizeBytes(columns);
            for (int row = 0; row < TILE; row++) {
                long block = (firstRow + row) * rowBytes + weight.encoding().sizeBytes(from);
                halves[lane(row)] = firstRow + row < rows ? weight.data().get(SHORT, block) : 0;
            }
        }

        /// INT8: the largest magnitude at 127. INT4: the element of largest magnitude at -8, whatever its
        /// sign, as ggml's Q4_0 has it, so that all sixteen codes are used.
        private void chooseScales() {
            Arrays.fill(lowest, 0);
            Arrays.fill(highest, 0);
            for (int column = 0; column < TILE; column++) {
                for (int lane = 0; lane < TILE; lane++) {
                    lowest[lane] = Math.min(lowest[lane], tile[column * TILE + lane]);
                    highest[lane] = Math.max(highest[lane], tile[column * TILE + lane]);
                }
            }
            for (int lane = 0; lane < TILE; lane++) {
                float extreme = highest[lane] > -lowest[lane] ? highest[lane] : lowest[lane];
                float scale = format == PackedFormat.INT8 ? Math.abs(extreme) / 127 : extreme / -8;
                halves[lane] = Float.floatToFloat16(scale);
            }
        }

        private void fillBytes() {
            for (int column = 0; column < TILE; column++) {
                for (int lane = 0; lane < TILE; lane++) {
                    int i = column * TILE + lane;
                    int code = (int) (tile[i] * inverses[lane] + 128.5f);
                    codes[i] = (byte) (Math.min(code, 255) - 128);
                }
            }
        }

        private void fillNibbles() {
            for (int line = 0; line < TILE / 4; line++) {
                for (int lane = 0; lane < TILE; lane++) {
                    int i = 4 * line * TILE + lane;
                    int a = Math.min((int) (tile[i] * inverses[lane] + 8.5f), 15);
                    int b = Math.min((int) (tile[i + TILE] * inverses[lane] + 8.5f), 15);
                    int c = Math.min((int) (tile[i + 2 * TILE] * inverses[lane] + 8.5f), 15);
                    int d = Math.min((int) (tile[i + 3 * TILE] * inverses[lane] + 8.5f), 15);
                    nibbles[line * TILE + lane] = (short) (a | (b << 4) | (c << 8) | (d << 12));
                }
            }
        }
    }

    /// Rounds to the nearest bfloat16, ties to even.
    static short toBfloat16(float value) {
        int bits = Float.floatToRawIntBits(value);
        if (Float.isNaN(value)) {
            return (short) ((bits >>> 16) | 0x40);
        }
        return (short) ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16);
    }
}
