package dev.trimtab.checkpoint.hub;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.trimtab.error.Internal;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Collectors;

/// A hub on the loopback: one repository, `org/name`, at one commit, as Hugging Face's answers it: a listing,
/// small files from itself, large ones by redirect from a store, which is another host to the client.
///
/// Misbehaves on demand: [#next] gives what the next request for a path does instead.
public final class FakeHub implements AutoCloseable {
    public static final String REPOSITORY = "org/name";
    public static final String COMMIT = "0123456789abcdef0123456789abcdef01234567";

    /// Answers one request in its own way.
    @FunctionalInterface
    interface Answering {
        void answer(HttpExchange exchange) throws IOException;
    }

    /// What a client sent.
    record Seen(String path, String authorization, String range) {}

    private final HttpServer hub;
    private final HttpServer store;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final Map<String, byte[]> files = new TreeMap<>();
    private final Map<String, Deque<Answering>> faults = new ConcurrentHashMap<>();
    private final List<Seen> seen = Collections.synchronizedList(new ArrayList<>());

    public FakeHub() {
        this.hub = server(0, this::hub);
        this.store = server(0, this::store);
    }

    private HttpServer server(int port, Answering answering) {
        try {
            InetSocketAddress address = new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
            HttpServer server = HttpServer.create(address, 0);
            server.createContext("/", exchange -> answer(exchange, answering));
            server.setExecutor(threads);
            server.start();
            return server;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void answer(HttpExchange exchange, Answering usual) throws IOException {
        String path = exchange.getRequestURI().getRawPath();
        seen.add(new Seen(path, header(exchange, "Authorization"), header(exchange, "Range")));
        Deque<Answering> instead = faults.get(path.substring(path.lastIndexOf('/') + 1));
        try (exchange) {
            Answering next = instead == null ? null : instead.poll();
            (next == null ? usual : next).answer(exchange);
        }
    }

    private static String header(HttpExchange exchange, String name) {
        String value = exchange.getRequestHeaders().getFirst(name);
        return value == null ? "" : value;
    }

    public URI base() {
        return URI.create("http://127.0.0.1:" + hub.getAddress().getPort());
    }

    private byte[] contents(String path) {
        return Objects.requireNonNull(files.get(path), path);
    }

    String storeBase() {
        return "http://127.0.0.1:" + store.getAddress().getPort();
    }

    /// Puts a file into the repository.
    public FakeHub file(String path, byte[] bytes) {
        files.put(path, bytes);
        return this;
    }

    public FakeHub file(String path, String text) {
        return file(path, text.getBytes(StandardCharsets.UTF_8));
    }

    /// Has the next request whose path ends in `name` (`main` for the listing) answered by `fault`, at the hub
    /// or the store.
    void next(String name, Answering... fault) {
        faults.computeIfAbsent(name, _ -> new ArrayDeque<>()).addAll(List.of(fault));
    }

    List<Seen> seen() {
        return List.copyOf(seen);
    }

    /// How often a path that ends in `name` was asked for at the store.
    long downloads(String name) {
        return seen.stream()
                .filter(request -> request.path().equals("/store/" + name))
                .count();
    }

    // Answers

    /// The whole repository.
    private void hub(HttpExchange exchange) throws IOException {
        String path = exchange.getRequestURI().getPath();
        String resolve = "/" + REPOSITORY + "/resolve/" + COMMIT + "/";
        if (path.startsWith("/api/models/" + REPOSITORY + "/revision/")) {
            send(exchange, 200, listing().getBytes(StandardCharsets.UTF_8));
        } else if (path.startsWith(resolve) && files.containsKey(path.substring(resolve.length()))) {
            String name = path.substring(resolve.length());
            exchange.getResponseHeaders().set("X-Repo-Commit", COMMIT);
            if (isLarge(name)) {
                exchange.getResponseHeaders().set("X-Linked-Etag", '"' + sha256(contents(name)) + '"');
                exchange.getResponseHeaders().set("Location", storeBase() + "/store/" + name);
                send(exchange, 302, new byte[0]);
            } else {
                send(exchange, 200, contents(name));
            }
        } else {
            exchange.getResponseHeaders().set("X-Error-Code", "RepoNotFound");
            send(exchange, 401, new byte[0]);
        }
    }

    private void store(HttpExchange exchange) throws IOException {
        byte[] bytes = contents(exchange.getRequestURI().getPath().substring("/store/".length()));
        int from = from(exchange);
        if (from > 0) {
            exchange.getResponseHeaders()
                    .set("Content-Range", "bytes " + from + "-" + (bytes.length - 1) + "/" + bytes.length);
        }
        exchange.sendResponseHeaders(from > 0 ? 206 : 200, bytes.length - from);
        exchange.getResponseBody().write(bytes, from, bytes.length - from);
    }

    private static int from(HttpExchange exchange) {
        String range = header(exchange, "Range");
        return range.isEmpty() ? 0 : Integer.parseInt(range.replaceAll("\\D", ""));
    }

    private static boolean isLarge(String name) {
        return name.endsWith(".gguf") || name.endsWith(".safetensors");
    }

    /// As the hub spells it, in one line and with fields nobody here reads.
    String listing() {
        return "{\"id\":\"" + REPOSITORY + "\",\"gated\":false,\"sha\":\"" + COMMIT
                + "\",\"tags\":[\"x\"],\"siblings\":["
                + files.entrySet().stream()
                        .map(file -> sibling(file.getKey(), file.getValue()))
                        .collect(Collectors.joining(","))
                + "]}";
    }

    private static String sibling(String path, byte[] bytes) {
        String lfs = isLarge(path)
                ? ",\"lfs\":{\"sha256\":\"" + sha256(bytes) + "\",\"size\":" + bytes.length + ",\"pointerSize\":130}"
                : "";
        return "{\"rfilename\":\"" + path.replace("\\", "\\\\") + "\",\"size\":" + bytes.length + ",\"blobId\":\""
                + gitBlob(bytes) + "\"" + lfs + "}";
    }

    static Answering status(int status, String... headers) {
        return exchange -> {
            for (int i = 0; i < headers.length; i += 2) {
                exchange.getResponseHeaders().set(headers[i], headers[i + 1]);
            }
            send(exchange, status, new byte[0]);
        };
    }

    /// Says it sends all of `bytes` and breaks off after `count` of them.
    static Answering cut(byte[] bytes, int count) {
        return exchange -> {
            exchange.sendResponseHeaders(200, bytes.length);
            OutputStream out = exchange.getResponseBody();
            out.write(bytes, 0, count);
            out.flush();
        };
    }

    static Answering bytes(byte[] bytes) {
        return exchange -> send(exchange, 200, bytes);
    }

    static void send(HttpExchange exchange, int status, byte[] bytes) throws IOException {
        exchange.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
        if (bytes.length > 0) {
            exchange.getResponseBody().write(bytes);
        }
    }

    static String sha256(byte[] bytes) {
        return digest("SHA-256", bytes);
    }

    private static String gitBlob(byte[] bytes) {
        byte[] head = ("blob " + bytes.length + "\0").getBytes(StandardCharsets.US_ASCII);
        byte[] all = new byte[head.length + bytes.length];
        System.arraycopy(head, 0, all, 0, head.length);
        System.arraycopy(bytes, 0, all, head.length, bytes.length);
        return digest("SHA-1", all);
    }

    private static String digest(String algorithm, byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance(algorithm).digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new Internal(algorithm, e);
        }
    }

    @Override
    public void close() {
        hub.stop(0);
        store.stop(0);
        threads.shutdownNow();
    }
}
