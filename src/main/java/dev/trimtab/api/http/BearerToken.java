package dev.trimtab.api.http;

import io.vertx.core.http.HttpServerRequest;
import java.util.Optional;

/// The token of an `Authorization: Bearer` header (RFC 6750, section 2.1).
final class BearerToken {
    private static final String SCHEME = "bearer ";

    private BearerToken() {}

    /// Empty when there is no such header, or it says something else.
    static Optional<String> of(HttpServerRequest request) {
        return Optional.ofNullable(request.getHeader("authorization"))
                .filter(header -> header.regionMatches(true, 0, SCHEME, 0, SCHEME.length()))
                .map(header -> header.substring(SCHEME.length()).strip());
    }
}
