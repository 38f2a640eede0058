package dev.trimtab.checkpoint.hub;

import dev.trimtab.error.BadConfiguration;
import dev.trimtab.error.NotFound;
import dev.trimtab.error.TrimtabException;
import dev.trimtab.error.Unavailable;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/// Speaks the hub's HTTP: `GET /api/models/ORG/NAME/revision/REV` lists, `GET /ORG/NAME/resolve/COMMIT/PATH`
/// downloads. Follows redirects by hand, for the token must not reach another host, and nothing may lead from
/// https to http.
final class HubClient implements AutoCloseable {
    private static final Duration CONNECT = Duration.ofSeconds(10);

    /// The hub sends to its store, the store to the nearest mirror; more is a loop.
    private static final int REDIRECTS_MAX = 5;

    private static final Set<Integer> REDIRECTS = Set.of(301, 302, 303, 307, 308);
    private static final Set<Integer> BUSY = Set.of(408, 429, 500, 502, 503, 504);
    private static final String UNRESERVED = "-._~";

    private final HubOptions options;
    private final Retry retry;
    private final HttpClient http;

    HubClient(HubOptions options, Retry retry) {
        this.options = options;
        this.retry = retry;
        this.http = HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1) // one file at a time gains nothing from streams
                .connectTimeout(CONNECT)
                .followRedirects(HttpClient.Redirect.NEVER)
                .build();
    }

    Retry retry() {
        return retry;
    }

    /// An answer with a body to read; close it.
    ///
    /// @param status 200 or 206, or 416
    /// @param sha256 what the hub says the file's is, where it says
    record Answer(int status, OptionalLong length, String contentRange, Optional<String> sha256, Body body)
            implements AutoCloseable {
        @Override
        public void close() {
            body.close();
        }
    }

    /// The listing of `reference` as the hub sends it.
    byte[] listing(HubReference reference) {
        String path = "/api/models/" + reference.repository() + "/revision/" + encode(reference.revision(), "");
        URI uri = URI.create(options.base() + path + "?blobs=true");
        return retry.run(options.base() + ": " + reference, () -> {
            try (Answer answer = get(uri, 0, reference)) {
                return answer.body().all(Listing.BYTES_MAX);
            }
        });
    }

    /// The bytes of `file` from `from` on: 206, or 200 with all of them where the server has no ranges. Once.
    Answer download(HubReference reference, String commit, RemoteFile file, long from)
            throws IOException, InterruptedException {
        String path = "/" + reference.repository() + "/resolve/" + commit + "/" + encode(file.path(), "/");
        return get(URI.create(options.base() + path), from, reference);
    }

    private Answer get(URI start, long from, HubReference reference) throws IOException, InterruptedException {
        URI uri = start;
        Optional<String> sha256 = Optional.empty();
        for (int hops = 0; hops <= REDIRECTS_MAX; hops++) {
            HttpResponse<Body> response = http.send(request(uri, from), _ -> new Body(options.stall()));
            sha256 = sha256.or(() -> sha256(response));
            if (!REDIRECTS.contains(response.statusCode())) {
                return answer(response, sha256, reference);
            }
            response.body().close();
            uri = next(uri, header(response, "Location"));
        }
        throw new Unavailable(start + ": more than " + REDIRECTS_MAX + " redirects");
    }

    private HttpRequest request(URI uri, long from) {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(uri).timeout(options.stall()).header("User-Agent", "trimtab");
        if (from > 0) {
            request.header("Range", "bytes=" + from + "-");
        }
        options.token().filter(_ -> isHub(uri)).ifPresent(token -> request.header("Authorization", "Bearer " + token));
        return request.build();
    }

    private boolean isHub(URI uri) {
        URI base = options.base();
        return base.getScheme().equalsIgnoreCase(uri.getScheme())
                && base.getHost().equalsIgnoreCase(uri.getHost())
                && base.getPort() == uri.getPort();
    }

    private static URI next(URI from, String location) {
        URI next;
        try {
            next = from.resolve(location);
        } catch (IllegalArgumentException e) {
            throw new Unavailable(from + ": a redirect to somewhere that is no address", e);
        }
        boolean weaker = "https".equals(from.getScheme()) && !"https".equals(next.getScheme());
        boolean web = "https".equals(next.getScheme()) || "http".equals(next.getScheme());
        if (weaker || !web || next.getHost() == null) {
            throw new Unavailable(
                    from + ": a redirect to " + next.getScheme() + "://" + next.getHost() + " is not followed");
        }
        return next;
    }

    private Answer answer(HttpResponse<Body> response, Optional<String> sha256, HubReference reference)
            throws IOException {
        int status = response.statusCode();
        if (status == 200 || status == 206 || status == 416) {
            return new Answer(
                    status,
                    response.headers().firstValueAsLong("Content-Length"),
                    header(response, "Content-Range"),
                    sha256,
                    response.body());
        }
        response.body().close();
        if (BUSY.contains(status)) {
            throw new Retry.Busy(status, header(response, "Retry-After"));
        }
        throw refused(status, header(response, "X-Error-Code"), reference, response.uri());
    }

    /// What the hub's refusal means for who asked. It answers 401 for what does not exist, too, so as not to
    /// tell strangers what is private.
    private TrimtabException refused(int status, String code, HubReference reference, URI uri) {
        String page = options.base() + "/" + reference.repository();
        String where = options.base() + ": " + reference;
        String token = "give a token in TRIMTAB_HUB_TOKEN or HF_TOKEN";
        if (code.equals("GatedRepo")) {
            return new BadConfiguration(
                    where + ": the repository is gated; accept its terms at " + page + " and " + token);
        }
        if (code.equals("RevisionNotFound")) {
            return new NotFound(where + ": the repository has no revision " + reference.revision());
        }
        if (status == 404 || code.equals("RepoNotFound")) {
            return new NotFound(where + ": the hub has no such repository or file, or it is private: " + token);
        }
        if (status == 401 || status == 403) {
            String who = options.token().isPresent() ? "the token may not read it" : "no token was given";
            return new BadConfiguration(where + ": the hub answers " + status + ", " + who + "; if the repository is "
                    + "gated or private, ask for access at " + page + " and " + token);
        }
        return new Unavailable(
                uri.getScheme() + "://" + uri.getAuthority() + ": " + reference + ": expected 200, found " + status);
    }

    /// The hub's `X-Linked-Etag`, or an `ETag` that has the form of a SHA-256.
    private static Optional<String> sha256(HttpResponse<Body> response) {
        String linked = header(response, "X-Linked-Etag");
        String tag = (linked.isEmpty() ? header(response, "ETag") : linked).replace("\"", "");
        return Optional.of(tag).filter(text -> ContentHash.isHash(ContentHash.Kind.SHA256, text));
    }

    private static String header(HttpResponse<Body> response, String name) {
        return response.headers().firstValue(name).orElse("");
    }

    /// `text` as a part of a path (RFC 3986, 2.3), with the characters of `kept` left as they are.
    static String encode(String text, String kept) {
        StringBuilder encoded = new StringBuilder();
        for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
            char c = (char) (b & 0xFF);
            boolean plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
            if (plain || UNRESERVED.indexOf(c) >= 0 || kept.indexOf(c) >= 0) {
                encoded.append(c);
            } else {
                encoded.append('%').append(HexFormat.of().withUpperCase().toHexDigits(b));
            }
        }
        return encoded.toString();
    }

    @Override
    public void close() {
        http.shutdownNow();
    }
}
