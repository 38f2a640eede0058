package dev.trimtab.cli;

import dev.trimtab.engine.GenerationRequest;
import dev.trimtab.engine.TokenEvent;
import dev.trimtab.variant.Variant;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import picocli.CommandLine;

/// Prints one generation while it is made: text to standard output, speed to standard error.
final class Answer {
    private final Variant variant;

    Answer(Variant variant) {
        this.variant = variant;
    }

    /// Returns the whole text.
    String print(GenerationRequest request, CommandLine commandLine) throws InterruptedException {
        BlockingQueue<TokenEvent> events = new LinkedBlockingQueue<>();
        PrintWriter out = commandLine.getOut();
        StringBuilder text = new StringBuilder();
        long startNanos = System.nanoTime();
        variant.submit(request, events::add);
        while (true) {
            switch (events.take()) {
                case TokenEvent.Delta delta -> {
                    out.print(delta.text());
                    out.flush();
                    text.append(delta.text());
                }
                case TokenEvent.PromptScored _ -> {}
                case TokenEvent.Finished finished -> {
                    out.println();
                    double seconds = (System.nanoTime() - startNanos) / 1e9;
                    commandLine
                            .getErr()
                            .printf(
                                    Locale.ROOT,
                                    "[%d prompt tokens, %d generated, %.2f s, %s]%n",
                                    finished.usage().promptTokens(),
                                    finished.usage().completionTokens(),
                                    seconds,
                                    finished.reason().name().toLowerCase(Locale.ROOT));
                    return text.toString();
                }
                case TokenEvent.Failed failed -> throw failed.error();
            }
        }
    }
}
