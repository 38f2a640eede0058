package dev.trimtab.checkpoint.hub;

import dev.trimtab.error.Unavailable;
import java.io.IOException;
import java.net.ConnectException;
import java.time.Clock;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Optional;

/// Asks again when asking again may help: a connection that broke, a server that is busy. Waits 1, 2, 4, 8
/// seconds between, or as long as the server says.
///
/// @param clock for a `Retry-After` that is a date
record Retry(Pause pause, Clock clock) {
    /// Half a minute of trouble in all: a restart of a server passes, an outage is told.
    static final int ATTEMPTS_MAX = 5;

    /// A server that wants more is out of service; the user had better know.
    static final Duration RETRY_AFTER_MAX = Duration.ofMinutes(5);

    /// Lets time pass.
    @FunctionalInterface
    interface Pause {
        void pause(Duration duration) throws InterruptedException;
    }

    /// Something that may break at the network.
    @FunctionalInterface
    interface Attempt<T> {
        T run() throws IOException, InterruptedException;
    }

    /// A server that is busy, and when it wants to be asked again.
    static final class Busy extends IOException {
        private static final long serialVersionUID = 1L;

        private final String retryAfter;

        Busy(int status, String retryAfter) {
            super("it answers " + status);
            this.retryAfter = retryAfter;
        }
    }

    /// What `attempt` answers, the last of [#ATTEMPTS_MAX] at the latest; `what` names it in failures.
    ///
    /// @throws Unavailable with the last attempt's reason
    <T> T run(String what, Attempt<T> attempt) {
        try {
            for (int attempts = 1; ; attempts++) {
                try {
                    return attempt.run();
                } catch (IOException e) {
                    Duration wait = wait(e, attempts);
                    if (attempts == ATTEMPTS_MAX || wait.compareTo(RETRY_AFTER_MAX) > 0) {
                        throw new Unavailable(
                                what + ": " + reason(e) + " (tried " + attempts + " times"
                                        + (e instanceof Busy ? ", it asks to wait " + wait.toSeconds() + " s)" : ")"),
                                e);
                    }
                    pause.pause(wait);
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Unavailable(what + ": interrupted", e);
        }
    }

    private static String reason(IOException e) {
        if (e instanceof ConnectException) {
            return "no connection";
        }
        return e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
    }

    private Duration wait(IOException e, int attempts) {
        Duration backoff = Duration.ofSeconds(1L << (attempts - 1));
        return e instanceof Busy busy ? retryAfter(busy.retryAfter).orElse(backoff) : backoff;
    }

    /// Seconds or a date (RFC 9110, 10.2.3); empty for anything else.
    private Optional<Duration> retryAfter(String text) {
        if (text.matches("\\d{1,9}")) {
            return Optional.of(Duration.ofSeconds(Long.parseLong(text)));
        }
        try {
            Instant date = ZonedDateTime.parse(text, DateTimeFormatter.RFC_1123_DATE_TIME)
                    .toInstant();
            Duration wait = Duration.between(clock.instant(), date);
            return Optional.of(wait.isNegative() ? Duration.ZERO : wait);
        } catch (DateTimeException e) {
            return Optional.empty();
        }
    }
}
