package dev.trimtab.engine;

/// Receives a sequence's events on the engine thread: must return at once and never block; what it throws
/// cancels the sequence.
@FunctionalInterface
public interface TokenSink {
    void accept(TokenEvent event);
}
