package dev.trimtab.engine;

import dev.trimtab.error.TrimtabException;

/// What a sequence tells its [TokenSink]: any number of deltas, then exactly one of finished or failed.
public sealed interface TokenEvent {
    /// `text` became certain (complete characters, no possible stop string) by `tokens` more output tokens.
    /// `text` may be empty while text is held back.
    record Delta(String text, int tokens) implements TokenEvent {}

    /// The sequence is done.
    record Finished(FinishReason reason, Usage usage) implements TokenEvent {}

    /// The sequence ended by a fault; nothing more comes.
    record Failed(TrimtabException error) implements TokenEvent {}
}
