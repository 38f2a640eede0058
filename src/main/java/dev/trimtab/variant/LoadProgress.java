package dev.trimtab.variant;

import dev.trimtab.model.LoadListener;

/// How far a load has come: written by the load, read by whoever asks. Thread-safe.
public final class LoadProgress implements LoadListener {
    private record Bytes(long done, long total) {}

    private volatile Bytes packed = new Bytes(0, 0);
    private volatile LoadListener next = LoadListener.NONE;

    @Override
    public void packed(long doneBytes, long totalBytes) {
        packed = new Bytes(doneBytes, totalBytes);
        next.packed(doneBytes, totalBytes);
    }

    /// Tells `listener` too, from now on.
    public void tell(LoadListener listener) {
        next = listener;
    }

    /// From 0, not begun, to 1: all tensors are packed.
    public double share() {
        Bytes now = packed;
        return now.total() == 0 ? 0 : (double) now.done() / now.total();
    }
}
