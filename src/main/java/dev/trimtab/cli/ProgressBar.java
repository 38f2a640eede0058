package dev.trimtab.cli;

import dev.trimtab.variant.MemoryPlan;
import java.io.Console;
import java.io.PrintStream;
import java.util.Optional;
import java.util.function.Supplier;

/// One line on a terminal's standard error that fills up and vanishes; silent where there is no terminal.
public final class ProgressBar implements AutoCloseable {
    private static final int WIDTH = 30;
    private static final long REDRAW_NANOS = 50_000_000;

    private final String label;
    private final PrintStream out = System.err;
    private final boolean visible;
    private long drawnNanos;

    public ProgressBar(String label) {
        this.label = label;
        this.visible = Optional.ofNullable(System.console())
                .filter(Console::isTerminal)
                .isPresent();
    }

    /// Shows that `done` of `total` bytes are through.
    public void bytes(long done, long total) {
        show(done, total, () -> MemoryPlan.readable(done) + " of " + MemoryPlan.readable(total));
    }

    /// Shows that `done` of `total` of anything are through.
    public void parts(long done, long total) {
        show(done, total, () -> 100 * done / total + " %");
    }

    private void show(long done, long total, Supplier<String> text) {
        long now = System.nanoTime();
        if (!visible || total <= 0 || (done < total && now - drawnNanos < REDRAW_NANOS)) {
            return;
        }
        drawnNanos = now;
        int filled = (int) (WIDTH * Math.min(done, total) / total);
        out.print("\r" + label + " [" + "#".repeat(filled) + " ".repeat(WIDTH - filled) + "] " + text.get());
        out.flush();
    }

    /// Takes the line away.
    @Override
    public void close() {
        if (visible) {
            out.print("\r\033[2K");
            out.flush();
        }
    }
}
