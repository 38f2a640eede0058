package dev.trimtab.variant;

import java.util.List;
import java.util.Optional;

/// Where a variant is in its life:
///
///     Loading -> Unmeasured -> Ready | Quarantined -> Draining -> (gone)
///        |           \____________________________/^
///        v
///      Failed
///
/// Only [Unmeasured] and [Ready] serve. What is refused is told why.
public sealed interface VariantState {
    /// Queued, or being read, compressed and packed.
    record Loading(LoadProgress progress) implements VariantState {}

    /// Serves those who name it; nothing is known of its quality yet.
    record Unmeasured() implements VariantState {}

    /// Measured, and past every gate.
    record Ready() implements VariantState {}

    /// Measured, and not served.
    ///
    /// @param missed the gate it missed, with what was expected and found
    record Quarantined(String missed) implements VariantState {}

    /// Takes no more requests and lets the running ones finish.
    record Draining() implements VariantState {}

    /// Could not be loaded; holds no memory, and its name may be used again.
    ///
    /// @param error why
    record Failed(String error) implements VariantState {}

    /// Every word that [#word()] has.
    List<String> WORDS = List.of("loading", "unmeasured", "ready", "quarantined", "draining", "failed");

    /// As JSON and metrics spell it.
    default String word() {
        return switch (this) {
            case Loading _ -> "loading";
            case Unmeasured _ -> "unmeasured";
            case Ready _ -> "ready";
            case Quarantined _ -> "quarantined";
            case Draining _ -> "draining";
            case Failed _ -> "failed";
        };
    }

    /// Why it is not served, where somebody must act on it.
    default Optional<String> reason() {
        return switch (this) {
            case Quarantined(String missed) -> Optional.of(missed);
            case Failed(String error) -> Optional.of(error);
            case Loading _, Unmeasured _, Ready _, Draining _ -> Optional.empty();
        };
    }

    /// Whether requests are taken.
    default boolean isServing() {
        return switch (this) {
            case Unmeasured _, Ready _ -> true;
            case Loading _, Quarantined _, Draining _, Failed _ -> false;
        };
    }
}
