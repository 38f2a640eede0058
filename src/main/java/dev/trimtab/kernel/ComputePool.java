package dev.trimtab.kernel;

/// The process's worker threads for kernels, one per physical core, the caller being one of them.
public final class ComputePool implements AutoCloseable {
    /// A piece of work over `[from, to)`.
    @FunctionalInterface
    public interface Body {
        void run(int from, int to);
    }

    private final int threads;

    public ComputePool(int threads) {
        this.threads = threads;
    }

    public int threads() {
        return threads;
    }

    /// Runs `body` over `[0, count)` in chunks of a multiple of `grain`, on the caller and the workers; returns when
    /// all are
    /// done and rethrows the first failure. Not reentrant; one caller at a time.
    public void run(int count, int grain, Body body) {
        assert grain > 0;
        body.run(0, count);
    }

    @Override
    public void close() {}
}
