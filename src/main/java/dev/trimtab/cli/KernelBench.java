package dev.trimtab.cli;

import dev.trimtab.kernel.ActivationPrecision;
import dev.trimtab.kernel.ComputePool;
import dev.trimtab.kernel.KernelProbe;
import dev.trimtab.kernel.KernelProbe.Figure;
import dev.trimtab.kernel.Kernels;
import dev.trimtab.kernel.PackedFormat;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;

/// Each packed kernel by itself, out of cache, beside the memory's bandwidth and the f32 kernel of the same
/// run: the guard against a kernel that C2 no longer keeps in registers, which is slower twenty-fold and
/// fails no test.
final class KernelBench {
    /// A kernel that reads at less than this share of the f32 kernel's speed has fallen off the cliff.
    private static final double SHARE_MIN = 0.5;

    /// The same for multiply-adds of several tokens, of which two planes of masked codes need twice as many
    /// instructions as floats; a fallen kernel is slower twenty-fold.
    private static final double BATCH_SHARE_MIN = 0.2;

    private static final int COLUMNS = 2048;
    private static final int ROUNDS = 7;
    private static final int RETRIES = 2;
    private static final List<Integer> BATCHES = List.of(1, 8, 64);

    /// A format and the activations it is multiplied with, as models use it.
    private record Kind(PackedFormat format, ActivationPrecision precision) {}

    private static final List<Kind> KINDS = List.of(
            new Kind(PackedFormat.F32, ActivationPrecision.FLOAT32),
            new Kind(PackedFormat.F16, ActivationPrecision.FLOAT32),
            new Kind(PackedFormat.BF16, ActivationPrecision.FLOAT32),
            new Kind(PackedFormat.INT8, ActivationPrecision.INT8),
            new Kind(PackedFormat.INT6, ActivationPrecision.INT8),
            new Kind(PackedFormat.INT5, ActivationPrecision.INT8),
            new Kind(PackedFormat.INT4, ActivationPrecision.INT8),
            new Kind(PackedFormat.INT4_ASYMMETRIC, ActivationPrecision.INT8),
            new Kind(PackedFormat.INT3, ActivationPrecision.INT8),
            new Kind(PackedFormat.INT2, ActivationPrecision.INT8));

    private KernelBench() {}

    /// Prints a row a kernel; false when one has fallen.
    static boolean run(PrintWriter out) {
        try (ComputePool pool = new ComputePool(ComputePool.defaultThreads())) {
            Kernels kernels = Kernels.best(pool);
            KernelProbe probe = new KernelProbe(pool);
            double bandwidth = probe.readGigabytesPerSecond(ROUNDS);
            out.printf(
                    Locale.ROOT,
                    "kernels %s, %d threads, memory read %.1f GB/s%n%n",
                    kernels.name(),
                    pool.threads(),
                    bandwidth);
            out.println("format          activations   1 token: GB/s (share)   8: GMAC/s   64: GMAC/s a core");
            boolean standing = true;
            List<Figure> floor = measure(probe, kernels, KINDS.getFirst());
            for (Kind kind : KINDS) {
                List<Figure> figures = measure(probe, kernels, kind);
                // A neighbour on the host can halve one measurement; a fallen kernel stays slow.
                for (int again = 0; again < RETRIES && !stands(figures, floor); again++) {
                    figures = measure(probe, kernels, kind);
                }
                print(out, kind, figures, bandwidth, pool.threads());
                out.println(stands(figures, floor) ? "" : "   FALLEN");
                standing &= stands(figures, floor);
            }
            out.flush();
            return standing;
        }
    }

    /// One token is judged by the bytes it reads, or where codes are so narrow that multiplying binds, by the
    /// weights; more tokens by multiply-adds.
    private static boolean stands(List<Figure> figures, List<Figure> floor) {
        Figure one = figures.getFirst();
        boolean standing =
                one.gigabytesPerSecond() >= SHARE_MIN * floor.getFirst().gigabytesPerSecond()
                        || one.gigaMacsPerSecond() >= floor.getFirst().gigaMacsPerSecond() / SHARE_MIN;
        for (int i = 1; i < figures.size(); i++) {
            standing &= figures.get(i).gigaMacsPerSecond()
                    >= BATCH_SHARE_MIN * floor.get(i).gigaMacsPerSecond();
        }
        return standing;
    }

    private static List<Figure> measure(KernelProbe probe, Kernels kernels, Kind kind) {
        return BATCHES.stream()
                .map(tokens -> probe.measure(
                        kernels,
                        kind.format(),
                        kind.precision(),
                        tokens,
                        COLUMNS,
                        KernelProbe.OUT_OF_CACHE_BYTES,
                        ROUNDS))
                .toList();
    }

    private static void print(PrintWriter out, Kind kind, List<Figure> figures, double bandwidth, int threads) {
        out.printf(
                Locale.ROOT,
                "%-15s %-11s   %10.1f (%.0f %%)   %9.1f   %17.1f",
                kind.format(),
                kind.precision(),
                figures.getFirst().gigabytesPerSecond(),
                100 * figures.getFirst().gigabytesPerSecond() / bandwidth,
                figures.get(1).gigaMacsPerSecond(),
                figures.get(2).gigaMacsPerSecond() / threads);
    }
}
