package dev.trimtab.engine;

import java.util.function.LongSupplier;

/// A clock that moves when told to.
final class ManualClock implements LongSupplier {
    private long nowNanos = 1;

    @Override
    public long getAsLong() {
        return nowNanos;
    }

    void advance(long nanos) {
        nowNanos += nanos;
    }
}
