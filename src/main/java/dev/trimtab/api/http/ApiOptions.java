package dev.trimtab.api.http;

import dev.trimtab.error.BadConfiguration;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;

/// Who may ask, and how much of anything the HTTP edge takes.
///
/// - `allowedHosts`: names the `Host` header may carry beside `localhost` and IP addresses; `*` switches the
///   check off
/// - `allowedOrigins`: origins (`https://chat.example.org`) of web pages that may call; `*` is every page
/// - `apiKeys`: bearer tokens of which callers must send one; empty asks for none
/// - `adminKey`: what administrative calls must send; where empty they must come from loopback
public record ApiOptions(
        Set<String> allowedHosts,
        Set<String> allowedOrigins,
        Set<String> apiKeys,
        Optional<AdminKey> adminKey,
        Limits limits) {
    /// For a server on loopback.
    public static final ApiOptions DEFAULTS =
            new ApiOptions(Set.of(), Set.of(), Set.of(), Optional.empty(), Limits.DEFAULTS);

    /// Limits of the edge.
    ///
    /// - `bodyBytesMax`: one request's body. A context of a million tokens is about 5 MB of JSON text
    /// - `bodiesBytesMax`: all bodies being read or parsed at once, which bounds the heap they take
    /// - `requestsMax`: requests in flight; beyond it they are shed before their body is read
    /// - `inlineBytesMax`: a body up to this is parsed, rendered and tokenized on the event loop, for handing
    ///   over would cost more; 4 kB take well under a millisecond
    /// - `bodyTimeout`: from the head of a request to the end of its body
    /// - `stallTimeout`: how long a client may take nothing of its stream before it is cut
    /// - `keepAlive`: a silent stream sends a comment this often, so that nothing in between takes it for
    ///   dead
    /// - `pendingCharsMax`: text one stream may hold back for a client that does not read
    public record Limits(
            int bodyBytesMax,
            long bodiesBytesMax,
            int requestsMax,
            int inlineBytesMax,
            Duration bodyTimeout,
            Duration stallTimeout,
            Duration keepAlive,
            int pendingCharsMax) {
        public static final Limits DEFAULTS = new Limits(
                8 << 20,
                256L << 20,
                4_096,
                4 << 10,
                Duration.ofSeconds(30),
                Duration.ofSeconds(30),
                Duration.ofSeconds(15),
                1 << 20);

        public Limits {
            if (bodyBytesMax < 1 || bodiesBytesMax < bodyBytesMax || requestsMax < 1 || pendingCharsMax < 1) {
                throw new BadConfiguration("http limits: 1 <= body-bytes-max <= bodies-bytes-max, 1 <= requests-max and"
                        + " 1 <= pending-chars-max expected, found " + bodyBytesMax + ", " + bodiesBytesMax + ", "
                        + requestsMax + ", " + pendingCharsMax);
            }
            requirePositive("body-timeout", bodyTimeout);
            requirePositive("stall-timeout", stallTimeout);
            requirePositive("keep-alive", keepAlive);
        }

        private static void requirePositive(String name, Duration duration) {
            if (duration.toMillis() < 1) {
                throw new BadConfiguration(
                        "http limits: " + name + ": a positive duration expected, found " + duration);
            }
        }
    }

    public ApiOptions {
        allowedHosts = Set.copyOf(allowedHosts);
        allowedOrigins = Set.copyOf(allowedOrigins);
        apiKeys = Set.copyOf(apiKeys);
    }

    /// The same with other limits.
    public ApiOptions with(Limits limits) {
        return new ApiOptions(allowedHosts, allowedOrigins, apiKeys, adminKey, limits);
    }

    /// The same with another admin key.
    public ApiOptions with(AdminKey key) {
        return new ApiOptions(allowedHosts, allowedOrigins, apiKeys, Optional.of(key), limits);
    }
}
