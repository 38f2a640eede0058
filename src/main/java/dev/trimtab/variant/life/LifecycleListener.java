package dev.trimtab.variant.life;

import dev.trimtab.variant.Variant;
import java.util.Locale;

/// Hears of variants that come and go; for telemetry. Called on the thread that did it, and must not throw.
public interface LifecycleListener {
    /// Hears nothing.
    LifecycleListener NONE = new LifecycleListener() {};

    /// Why a variant was let go.
    enum Cause {
        /// Somebody asked for it.
        REQUESTED,
        /// Another needed its memory.
        EVICTED;

        /// As logs and metrics spell it.
        public String word() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /// `variant` serves, `durationNanos` after its load began.
    default void loaded(Variant variant, long durationNanos) {}

    /// The load of `name` failed after `durationNanos`.
    default void failed(String name, long durationNanos) {}

    /// The variant `name` is gone.
    default void unloaded(String name, Cause cause) {}
}
