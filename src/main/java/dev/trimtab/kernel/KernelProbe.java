package dev.trimtab.kernel;

import dev.trimtab.tensor.Encoding;
import dev.trimtab.tensor.Shape;
import dev.trimtab.tensor.Tensor;
import dev.trimtab.tensor.TensorForm;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Random;
import java.util.function.BiConsumer;
import java.util.function.BiFunction;
import java.util.function.LongSupplier;
import java.util.stream.IntStream;

/// Measures this machine's memory and a tier's kernels, as medians over rounds, so that a speed can be stated
/// beside the limit of its own minute: on a shared host bandwidth halves and doubles. It needs nothing but
/// this package, and serves the start-up guard, the benchmark command and the check that fails a build on a
/// kernel fallen off the cliff (see [Lanes]).
public final class KernelProbe {
    /// Weights beyond any last-level cache.
    public static final long OUT_OF_CACHE_BYTES = 256L << 20;

    /// Bytes of a chunk of the bandwidth measurement.
    private static final int CHUNK_BYTES = 1 << 20;

    private static final long LINE_BYTES = 64;

    /// Weights of the matrix with which a kernel is judged at start: it lies in the second-level cache in
    /// every format.
    private static final int JUDGED_ROWS = 128;

    private static final int JUDGED_COLUMNS = 1024;

    /// Batches by which every kernel of an operator gets its turn.
    private static final int[] JUDGED_TOKENS = {1, 2, 4, 16};

    /// In f16 1/16, in bf16 and f32 about 1e-12.
    private static final byte SMALL_UPPER_BYTE = 0x2c;

    /// How long a kernel may take to reach its floor. Compilation takes under a second on an idle machine; a
    /// busy one must not be mistaken for a slow kernel.
    private static final long PATIENCE_NANOS = 30_000_000_000L;

    /// What the scalar twins reach on a core of 2023, in billions of multiply-adds a second. A kernel on its
    /// feet does ten times as much and more; a fallen one stays under a third.
    private static final double FLOOR_GIGA_MACS = 2;

    /// Rows of random bytes that a probe's matrix repeats.
    private static final int DISTINCT_ROWS = 32;

    private final ComputePool pool;
    private final LongSupplier nanoClock;

    /// What one kernel did: weights read in GB/s and multiply-adds in billions a second, all threads
    /// together.
    public record Figure(
            PackedFormat format,
            ActivationPrecision precision,
            int tokens,
            double gigabytesPerSecond,
            double gigaMacsPerSecond) {}

    public KernelProbe(ComputePool pool) {
        this(pool, System::nanoTime);
    }

    public KernelProbe(ComputePool pool, LongSupplier nanoClock) {
        this.pool = pool;
        this.nanoClock = nanoClock;
    }

    /// Bandwidth of reading memory with all threads, GB/s: the median of `rounds` passes over
    /// [#OUT_OF_CACHE_BYTES].
    public double readGigabytesPerSecond(int rounds) {
        try (Arena arena = Arena.ofShared()) {
            MemorySegment data = arena.allocate(OUT_OF_CACHE_BYTES, 64).fill((byte) 1);
            double[] passes = new double[rounds];
            readPass(data);
            for (int i = 0; i < rounds; i++) {
                passes[i] = readPass(data);
            }
            return median(passes);
        }
    }

    private double readPass(MemorySegment data) {
        int chunks = (int) (data.byteSize() / CHUNK_BYTES);
        long start = nanoClock.getAsLong();
        pool.run(chunks, 1, (from, to) -> {
            long sum = sum(data, (long) from * CHUNK_BYTES, (long) to * CHUNK_BYTES);
            assert sum != 0;
        });
        return data.byteSize() / (double) (nanoClock.getAsLong() - start);
    }

    /// Touches every half cache line. The step is one that the compiler does not know, so that it does not
    /// unroll the loop: see [Lanes#one].
    private static long sum(MemorySegment data, long from, long to) {
        long step = LINE_BYTES * Math.min(1, to - from);
        long sum = 0;
        for (long at = from; at < to; at += step) {
            sum += data.get(ValueLayout.JAVA_LONG, at) + data.get(ValueLayout.JAVA_LONG, at + LINE_BYTES / 2);
        }
        return sum;
    }

    /// Multiplies `tokens` vectors of `columns` elements with a matrix of about `sizeBytes` packed bytes,
    /// `rounds` times after as many for warming up; the median.
    public Figure measure(
            Kernels kernels,
            PackedFormat format,
            ActivationPrecision precision,
            int tokens,
            int columns,
            long sizeBytes,
            int rounds) {
        long panelBytes = Math.ceilDiv(columns, PackedMatrix.TILE) * format.tileBytes();
        int rows = Math.toIntExact(Math.max(1, sizeBytes / panelBytes) * PackedMatrix.TILE);
        try (Arena arena = Arena.ofShared()) {
            LinearOperator linear = kernels.linear(matrix(format, rows, columns, arena), format, precision, arena);
            var in = new Activations(tokens, columns);
            var out = new Activations(tokens, rows);
            double[] nanos = new double[rounds];
            for (int i = -rounds; i < rounds; i++) {
                long taken = time(linear::apply, in, out);
                nanos[Math.max(0, i)] = taken;
            }
            double macs = (double) tokens * rows * columns;
            double median = median(nanos);
            return new Figure(format, precision, tokens, linear.sizeBytes() / median, macs / median);
        }
    }

    /// Runs a kind of operator until its kernels are compiled and show their speed.
    ///
    /// @return whether they reached the floor: if not, they have fallen off the cliff and the scalar twin
    ///     serves better
    public boolean keepsUp(Kernels kernels, PackedFormat format, ActivationPrecision precision) {
        try (Arena arena = Arena.ofShared()) {
            Tensor weight = matrix(format, JUDGED_ROWS, JUDGED_COLUMNS, arena);
            return keepsUp(JUDGED_ROWS, kernels.linear(weight, format, precision, arena)::apply);
        }
    }

    /// The same of vectors of 32 weights that are stored in `lines`, all of which are kept.
    ///
    /// @param pack makes the operator
    public boolean keepsUp(Encoding lines, BiFunction<TensorForm.VectorSparse, Arena, LinearOperator> pack) {
        PackedFormat format = lines == Encoding.F16 ? PackedFormat.F16 : PackedFormat.INT8;
        int panels = JUDGED_ROWS / PackedMatrix.TILE;
        try (Arena arena = Arena.ofShared()) {
            TensorForm.VectorSparse form = new TensorForm.VectorSparse(
                    Shape.of(JUDGED_ROWS, JUDGED_COLUMNS),
                    IntStream.rangeClosed(0, panels)
                            .map(panel -> panel * JUDGED_COLUMNS)
                            .toArray(),
                    IntStream.range(0, panels * JUDGED_COLUMNS)
                            .map(line -> line % JUDGED_COLUMNS)
                            .toArray(),
                    matrix(format, panels * JUDGED_COLUMNS, PackedMatrix.TILE, arena));
            return keepsUp(JUDGED_ROWS, pack.apply(form, arena)::apply);
        }
    }

    /// The same of the product that codebooks are multiplied by.
    public boolean keepsUp(PanelProduct product) {
        var lines = new PanelProduct.Lines(new float[JUDGED_COLUMNS * PanelProduct.LINE], 0, JUDGED_COLUMNS);
        return keepsUp(
                PanelProduct.LINE,
                (in, out) ->
                        product.add(lines, in.values(), 0, in.stride(), out.values(), 0, out.stride(), in.tokens()));
    }

    /// Whether `multiply` reaches the floor for each number of tokens, with a matrix of `rows`.
    private boolean keepsUp(int rows, BiConsumer<Activations, Activations> multiply) {
        for (int tokens : JUDGED_TOKENS) {
            var in = new Activations(tokens, JUDGED_COLUMNS);
            var out = new Activations(tokens, rows);
            if (!reachesFloor((double) tokens * rows * JUDGED_COLUMNS, () -> time(multiply, in, out))) {
                return false;
            }
        }
        return true;
    }

    private boolean reachesFloor(double macs, LongSupplier nanos) {
        long start = nanoClock.getAsLong();
        while (nanoClock.getAsLong() - start < PATIENCE_NANOS) {
            if (nanos.getAsLong() < macs / FLOOR_GIGA_MACS) {
                return true;
            }
        }
        return false;
    }

    private long time(BiConsumer<Activations, Activations> multiply, Activations in, Activations out) {
        in.reset(in.capacity());
        long start = nanoClock.getAsLong();
        multiply.accept(in, out);
        return nanoClock.getAsLong() - start;
    }

    /// A matrix in an encoding that `format` holds well: a few distinct rows, over and over.
    private static Tensor matrix(PackedFormat format, int rows, int columns, Arena arena) {
        Encoding encoding = encoding(format);
        long rowBytes = encoding.sizeBytes(columns);
        MemorySegment data = arena.allocate(rows * rowBytes, 64);
        byte[] row = new byte[Math.toIntExact(rowBytes)];
        var random = new Random(DISTINCT_ROWS);
        for (int i = 0; i < rows; i++) {
            if (i < DISTINCT_ROWS) {
                random.nextBytes(row);
                tameExponents(row, encoding);
            }
            MemorySegment.copy(row, 0, data, ValueLayout.JAVA_BYTE, i * rowBytes, row.length);
        }
        return new Tensor("probe", encoding, Shape.of(rows, columns), data);
    }

    /// Codes of any width can be packed from Q8_0; those that need not be are taken over as they are.
    private static Encoding encoding(PackedFormat format) {
        return switch (format) {
            case F32 -> Encoding.F32;
            case F16 -> Encoding.F16;
            case BF16 -> Encoding.BF16;
            case INT4 -> Encoding.Q4_0;
            default -> Encoding.Q8_0;
        };
    }

    /// Random bytes would hold NaN and subnormals: the upper byte of each number, or of each block's scale,
    /// becomes that of a small one.
    private static void tameExponents(byte[] row, Encoding encoding) {
        boolean scaled = encoding.blockElements() > 1;
        int step = encoding.blockBytes();
        int upper = scaled ? 1 : step - 1;
        for (int i = upper; i < row.length; i += step) {
            row[i] = SMALL_UPPER_BYTE;
        }
    }

    private static double median(double[] values) {
        Arrays.sort(values);
        return values[values.length / 2];
    }
}
