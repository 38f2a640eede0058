package dev.trimtab.api.openai;

import dev.trimtab.engine.FinishReason;
import dev.trimtab.engine.Usage;
import dev.trimtab.error.TrimtabException;

/// What becomes of a request's sequences: one whole body or a stream. Called on the request's event loop
/// only.
interface Answer {
    /// The sequences are about to be submitted.
    void start();

    /// Whether it can take more events now; who says no tells the sequences later.
    boolean hasRoom();

    void delta(int index, String text);

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
