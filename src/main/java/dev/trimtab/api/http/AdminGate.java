package dev.trimtab.api.http;

import dev.trimtab.error.Forbidden;
import dev.trimtab.error.TrimtabException;
import dev.trimtab.error.Unauthorized;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.net.SocketAddress;
import java.net.InetAddress;
import java.util.List;
import java.util.Optional;

/// Who may change what is served.
///
/// - With a key configured: who sends it as bearer token, from wherever.
/// - Without: the machine's own processes, which are those whose connection comes from loopback. Headers that
///   say where a request came from can only take this right away: whoever sends one stands behind a proxy, or
///   wants to be taken for somebody else. A page of an allowed origin needs a key too, for its reader may not
///   know what it does.
final class AdminGate {
    private static final List<String> FORWARDED =
            List.of("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via");

    /// Who it is that sends no key from loopback.
    private static final String LOOPBACK = "loopback";

    private final Optional<AdminKey> key;

    AdminGate(Optional<AdminKey> key) {
        this.key = key;
    }

    /// Who asks, for the audit log.
    ///
    /// @throws Unauthorized when a key is configured and another, or none, was sent
    /// @throws Forbidden when none is configured and the request is not the machine's own
    String admit(HttpServerRequest request) {
        if (key.isEmpty()) {
            if (!isOwn(request)) {
                throw new Forbidden("administration from elsewhere than this machine needs a key: set"
                        + " TRIMTAB_ADMIN_KEY and send it as bearer token");
            }
            return LOOPBACK;
        }
        String given =
                BearerToken.of(request).orElseThrow(() -> new Unauthorized("the admin key expected, as bearer token"));
        return key.filter(known -> known.matches(given)).map(AdminKey::toString).orElseThrow(() -> wrongKey());
    }

    private static TrimtabException wrongKey() {
        return new Unauthorized("the bearer token is not this server's admin key");
    }

    private static boolean isOwn(HttpServerRequest request) {
        boolean forwarded =
                FORWARDED.stream().anyMatch(header -> request.headers().contains(header));
        return !forwarded
                && isSamePage(request)
                && isLoopback(request.connection().remoteAddress());
    }

    // Pages of other sites that are not allowed did not come this far.
    private static boolean isSamePage(HttpServerRequest request) {
        String origin = request.getHeader("origin");
        return origin == null || Gate.isSame(origin, request.authority());
    }

    static boolean isLoopback(SocketAddress peer) {
        String address = peer.hostAddress();
        try {
            return address != null && InetAddress.ofLiteral(address).isLoopbackAddress();
        } catch (IllegalArgumentException notAnAddress) {
            return false;
        }
    }
}
