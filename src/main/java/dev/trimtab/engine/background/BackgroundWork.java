package dev.trimtab.engine.background;

/// Work for the kernels that nobody waits for, such as measuring a fresh variant, cut into units short enough to
/// wait for: a unit is one batch, no longer than a step of an engine. The loop that runs it calls everything on
/// its own thread.
public interface BackgroundWork extends AutoCloseable {
    /// Whether no unit is left.
    boolean isDone();

    /// Does the next unit. What it throws ends the work.
    void unit();

    /// Frees what the work holds; called once, when it is done, has failed, was cancelled, or the loop ends.
    @Override
    void close();
}
