package dev.trimtab.api.openai;

import dev.trimtab.engine.FinishReason;
import dev.trimtab.engine.TokenEvent.Logprobs;
import dev.trimtab.engine.Usage;
import dev.trimtab.error.TrimtabException;
import java.util.List;

/// What becomes of a request's sequences: one whole body or a stream. Called on the request's event loop
/// only.
interface Answer {
    /// The sequences are about to be submitted.
    void start();

    /// Whether it can take more events now; who says no tells the sequences later.
    boolean hasRoom();

    /// The next tokens of the prompt are scored; before the first delta.
    void promptScored(int index, List<Logprobs> logprobs);

    /// More text, and the log probabilities of tokens where they are wanted.
    void delta(int index, String text, List<Logprobs> logprobs);

    void finished(int index, FinishReason reason, Usage usage);

    /// Nothing more comes.
    void failed(TrimtabException error);

    /// The client has gone; nothing more comes.
    void abandoned();

    /// Nothing more comes for the moment.
    void flush();

    /// OpenAI's word for `reason`.
    static String word(FinishReason reason) {
        return switch (reason) {
            case STOP, CANCELLED -> "stop";
            case LENGTH -> "length";
        };
    }
}
