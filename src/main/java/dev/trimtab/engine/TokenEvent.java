package dev.trimtab.engine;

import dev.trimtab.error.TrimtabException;
import java.util.List;

/// What a sequence tells its [TokenSink]: the scores of its prompt where asked for, any number of deltas, then exactly
/// one of finished or failed.
public sealed interface TokenEvent {
    /// `text` became certain (complete characters, no possible stop string) by `tokens` more output tokens.
    /// `text` may be empty while text is held back. Where the request asks for them, `logprobs` has an entry
    /// for each token whose text is out by now, which may be more or fewer than `tokens`; none for tokens
    /// that ended the sequence and are no text.
    record Delta(String text, int tokens, List<Logprobs> logprobs) implements TokenEvent {
        /// One without log probabilities.
        public Delta(String text, int tokens) {
            this(text, tokens, List.of());
        }
    }

    /// The log probabilities of the next tokens of the prompt, where the request asks for them: the first of
    /// these events begins with the prompt's second token, for nothing stands before its first. All of them
    /// come before the first delta.
    record PromptScored(List<Logprobs> logprobs) implements TokenEvent {}

    /// A token and the natural logarithm of its probability, which may be negative infinity.
    record Logprob(int token, float logprob) {}

    /// The log probability of the chosen token, and those of the most probable ones, the best first. They are
    /// the model's own: before penalties, bias, temperature and cuts.
    record Logprobs(Logprob chosen, List<Logprob> top) {}

    /// The sequence is done.
    record Finished(FinishReason reason, Usage usage) implements TokenEvent {}

    /// The sequence ended by a fault; nothing more comes.
    record Failed(TrimtabException error) implements TokenEvent {}
}
