package dev.trimtab.app;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.Writer;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// The packaged jar, started as a user would start it, on a port of the system's choice.
public final class PackagedServer implements AutoCloseable {
    private static final Path JAR = Path.of("target", "quarkus-app", "quarkus-run.jar");
    private static final Pattern ADDRESS = Pattern.compile("serves on (http://\\S+)");

    private final Process process;
    private final String address;
    // Version 1.1, so that each client has a connection of its own to vanish with.
    private final HttpClient client =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    private PackagedServer(Process process, String address) {
        this.process = process;
        this.address = address;
    }

    /// Starts `serve` with `arguments` and returns once it serves.
    public static PackagedServer start(String... arguments) throws IOException {
        return start(Map.of(), arguments);
    }

    /// The same with variables of its environment.
    static PackagedServer start(Map<String, String> environment, String... arguments) throws IOException {
        String[] serve = Stream.concat(Stream.of("serve", "--port", "0"), Arrays.stream(arguments))
                .toArray(String[]::new);
        ProcessBuilder builder = process(serve).redirectErrorStream(true);
        builder.environment().putAll(environment);
        Process process = builder.start();
        BufferedReader out = process.inputReader(StandardCharsets.UTF_8);
        List<String> seen = new ArrayList<>();
        for (String line = out.readLine(); line != null; line = out.readLine()) {
            seen.add(line);
            Matcher matcher = ADDRESS.matcher(line);
            if (matcher.find()) {
                drain(out);
                return new PackagedServer(process, matcher.group(1));
            }
        }
        throw new IOException("the server did not start: " + seen);
    }

    /// A command line of the packaged jar.
    static ProcessBuilder process(String... arguments) {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-ea",
                "--add-modules=jdk.incubator.vector",
                "--enable-native-access=ALL-UNNAMED",
                "-jar",
                JAR.toString()));
        command.addAll(Arrays.asList(arguments));
        ProcessBuilder process = new ProcessBuilder(command);
        process.environment().put("TRIMTAB_MEASURE", "off"); // times, and what is left in the user's cache
        return process;
    }

    /// Goes on reading what the server prints, so that it never waits for us.
    private static void drain(BufferedReader out) {
        Thread.ofVirtual().start(() -> {
            try {
                out.transferTo(Writer.nullWriter());
            } catch (IOException _) { // closed with the process
            }
        });
    }

    /// Such as `http://127.0.0.1:40001`.
    public String address() {
        return address;
    }

    HttpClient client() {
        return client;
    }

    HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(URI.create(address + path)).header("content-type", "application/json");
    }

    HttpResponse<String> post(String path, String json) throws IOException, InterruptedException {
        HttpRequest request =
                request(path).POST(HttpRequest.BodyPublishers.ofString(json)).build();
        return client.send(request, HttpResponse.BodyHandlers.ofString());
    }

    HttpResponse<String> get(String path) throws IOException, InterruptedException {
        return client.send(request(path).GET().build(), HttpResponse.BodyHandlers.ofString());
    }

    /// The value of the metric line that begins with `series`.
    double metric(String series) throws IOException, InterruptedException {
        return get("/metrics")
                .body()
                .lines()
                .filter(line -> line.startsWith(series))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
                .findFirst()
                .orElseThrow(() -> new IOException("no metric " + series));
    }

    /// Returns once no sequence runs or waits. Cancelled ones leave at the next step; an ask takes longer
    /// than that, and the number of asks is bounded.
    void awaitIdle() throws IOException, InterruptedException {
        for (int i = 0; i < 1_000; i++) {
            if (metric("trimtab_sequences{model=\"demo-f16\",state=\"running\"}") == 0
                    && metric("trimtab_sequences{model=\"demo-f16\",state=\"waiting\"}") == 0) {
                return;
            }
        }
        throw new IOException("sequences still run: " + get("/metrics").body());
    }

    /// Asks the server to stop and waits until it has.
    @Override
    public void close() {
        process.destroy();
        try {
            if (!process.waitFor(30, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            process.destroyForcibly();
        }
    }
}
