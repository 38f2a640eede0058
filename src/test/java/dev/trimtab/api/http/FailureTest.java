package dev.trimtab.api.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.BadConfiguration;
import dev.trimtab.error.Conflict;
import dev.trimtab.error.DeadlineExceeded;
import dev.trimtab.error.Forbidden;
import dev.trimtab.error.Internal;
import dev.trimtab.error.InvalidRequest;
import dev.trimtab.error.NotFound;
import dev.trimtab.error.Overloaded;
import dev.trimtab.error.TooLarge;
import dev.trimtab.error.TrimtabException;
import dev.trimtab.error.Unauthorized;
import dev.trimtab.error.Unavailable;
import dev.trimtab.error.Unsupported;
import java.time.Duration;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

final class FailureTest {
    static Stream<Arguments> failures() {
        return Stream.of(
                Arguments.of(InvalidRequest.of("m"), 400, "invalid_request_error", null),
                Arguments.of(InvalidRequest.param("p", "c", "m"), 400, "invalid_request_error", "c"),
                Arguments.of(
                        InvalidRequest.contextLengthExceeded("m"),
                        400,
                        "invalid_request_error",
                        "context_length_exceeded"),
                Arguments.of(new TooLarge("m"), 413, "invalid_request_error", "request_too_large"),
                Arguments.of(new NotFound("m"), 404, "invalid_request_error", "model_not_found"),
                Arguments.of(new Unauthorized("m"), 401, "invalid_request_error", "invalid_api_key"),
                Arguments.of(new Forbidden("m"), 403, "invalid_request_error", "forbidden"),
                Arguments.of(new Conflict("m"), 409, "invalid_request_error", "conflict"),
                Arguments.of(new BadCheckpoint("m"), 422, "invalid_request_error", "bad_checkpoint"),
                Arguments.of(new Unsupported("m"), 501, "invalid_request_error", "unsupported"),
                Arguments.of(overloaded(Overloaded.Scope.CALLER), 429, "rate_limit_error", "rate_limit_exceeded"),
                Arguments.of(overloaded(Overloaded.Scope.SERVER), 503, "server_error", "overloaded"),
                Arguments.of(new DeadlineExceeded("m"), 504, "server_error", "deadline_exceeded"),
                Arguments.of(new Unavailable("m"), 502, "server_error", "upstream_unavailable"));
    }

    @ParameterizedTest
    @MethodSource("failures")
    void tellsTheCallerWhatHappened(TrimtabException error, int status, String type, String code) {
        Failure failure = Failure.of(error);

        assertThat(failure.status()).isEqualTo(status);
        assertThat(failure.type()).isEqualTo(type);
        assertThat(failure.code()).isEqualTo(code);
        assertThat(failure.message()).isEqualTo("m");
    }

    @Test
    void keepsTheMessagesOfOurOwnFaultsInside() {
        assertThat(Failure.of(new Internal("secret")).message()).doesNotContain("secret");
        assertThat(Failure.of(new BadConfiguration("secret")).message()).doesNotContain("secret");
        assertThat(Failure.of(new Internal("secret")).status()).isEqualTo(500);
    }

    @Test
    void saysWhenToComeBackInWholeSeconds() {
        Failure failure = Failure.of(overloaded(Overloaded.Scope.SERVER));

        assertThat(failure.headers())
                .containsEntry("Retry-After", "2")
                .containsEntry("x-trimtab-drop-reason", "queue_full");
    }

    private static Overloaded overloaded(Overloaded.Scope scope) {
        return new Overloaded(scope, "queue_full", Duration.ofMillis(1_200), "m");
    }
}
