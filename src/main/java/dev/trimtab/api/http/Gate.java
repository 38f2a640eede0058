package dev.trimtab.api.http;

import dev.trimtab.error.Forbidden;
import dev.trimtab.error.Unauthorized;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.net.HostAndPort;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/// Who may ask. A server on loopback is not private: any web page its user opens can send it requests. Two
/// checks stop that.
///
/// 1. The `Host` must be `localhost`, a configured name or an IP address. A page that has its own name
///    resolve to 127.0.0.1 (DNS rebinding) sends its own name; an address cannot be rebound.
/// 2. The `Origin`, which browsers send with every cross-site request that can change or read something, must
///    be the server itself or a configured one.
final class Gate {
    private static final String ANY = "*";
    private static final Pattern IP_V4 = Pattern.compile("[0-9]{1,3}(\\.[0-9]{1,3}){3}");
    private static final Pattern IP_V6 = Pattern.compile("\\[?[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*]?");

    private final Set<String> hosts;
    private final Set<String> origins;
    private final Set<String> keys;

    Gate(ApiOptions options) {
        this.hosts = options.allowedHosts();
        this.origins = options.allowedOrigins();
        this.keys = options.apiKeys();
    }

    /// Throws [Forbidden] unless host and origin are allowed.
    void check(HttpServerRequest request) {
        HostAndPort authority = request.authority();
        if (!hosts.contains(ANY) && (authority == null || !isAllowed(authority.host()))) {
            String found = authority == null ? "none" : authority.host();
            throw new Forbidden("Host: localhost, an IP address or an allowed name expected, found " + found);
        }
        String origin = request.getHeader("origin");
        if (origin != null && !isAllowedOrigin(origin) && !isSame(origin, authority)) {
            throw new Forbidden("Origin: this server or an allowed origin expected, found " + origin);
        }
    }

    /// The origin of a page elsewhere that may read the answer.
    Optional<String> crossOrigin(HttpServerRequest request) {
        return Optional.ofNullable(request.getHeader("origin")).filter(this::isAllowedOrigin);
    }

    /// Throws [Unauthorized] unless a configured key was sent, where there are any.
    void checkKey(HttpServerRequest request) {
        if (keys.isEmpty()) {
            return;
        }
        Optional<String> token = BearerToken.of(request);
        byte[] given = bytes(token.orElse(""));
        boolean known = false;
        for (String key : keys) {
            known |= MessageDigest.isEqual(bytes(key), given); // all of them, in constant time
        }
        if (!known) {
            throw new Unauthorized(
                    token.isPresent()
                            ? "the API key is not one of this server's"
                            : "an API key as bearer token expected");
        }
    }

    private boolean isAllowed(String host) {
        String name = host.toLowerCase(Locale.ROOT);
        return name.equals("localhost")
                || IP_V4.matcher(name).matches()
                || IP_V6.matcher(name).matches()
                || hosts.contains(name);
    }

    private boolean isAllowedOrigin(String origin) {
        return origins.contains(ANY) || origins.contains(origin);
    }

    // The scheme is not compared: behind a proxy that ends TLS the server does not know its own.
    static boolean isSame(String origin, HostAndPort authority) {
        int host = origin.indexOf("://");
        return authority != null && host > 0 && origin.substring(host + 3).equalsIgnoreCase(authority.toString());
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
