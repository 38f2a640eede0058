package dev.trimtab.engine;

/// The one thread that owns every local engine and picks whose step is next. It is one of the compute
/// pool's workers
/// (the caller of kernels). A fault in one engine ends that engine's work, not the loop.
public final class EngineLoop implements AutoCloseable {
    /// Starts serving `engine`.
    public void add(Engine engine) {
        assert engine.status().running() == 0;
    }

    /// Stops serving `engine` and closes it on the engine thread; returns when done.
    public void remove(Engine engine) {
        engine.close();
    }

    /// Runs `task` on the engine thread between steps and waits for it: for work that needs the kernels,
    /// such as
    /// measuring a model.
    public void call(Runnable task) {
        task.run();
    }

    @Override
    public void close() {}
}
