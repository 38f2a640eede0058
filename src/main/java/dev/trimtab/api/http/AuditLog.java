package dev.trimtab.api.http;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;

/// What was changed by whom: one line of JSON for each administrative action and each refused attempt, on a
/// logger of its own (`dev.trimtab.audit`), so that it can be kept apart and longer.
///
/// A line is ASCII without control characters, whatever callers send: nothing that is quoted in it can begin
/// a new line, move a terminal's cursor or turn the direction of its text.
public final class AuditLog {
    /// The name of the logger.
    public static final String LOGGER = "dev.trimtab.audit";

    /// A target longer than any name or path we take is an attempt, of which the beginning says enough.
    private static final int TARGET_LENGTH_MAX = 300;

    private static final int FIRST_NOT_ASCII = 0x7F;

    private final Consumer<String> lines;

    /// `lines` takes each line; from any thread.
    public AuditLog(Consumer<String> lines) {
        this.lines = lines;
    }

    /// Writes to the system's log.
    public static AuditLog system() {
        System.Logger logger = System.getLogger(LOGGER);
        return new AuditLog(line -> logger.log(System.Logger.Level.INFO, line));
    }

    /// What was done.
    ///
    /// @param actor `loopback`, or the admin key by its fingerprint
    /// @param peer the address of the other end of the connection; forwarded headers do not count
    /// @param action such as `loadVariant`
    /// @param target its object
    /// @param outcome such as `202`, or `failed: ` and why
    public record Entry(String requestId, String actor, String peer, String action, String target, String outcome) {
        /// The same action, as it went on.
        public Entry then(String nextAction, String nextTarget, String nextOutcome) {
            return new Entry(requestId, actor, peer, nextAction, nextTarget, nextOutcome);
        }
    }

    /// Writes one line: `entry`, which took `duration`.
    public void write(Entry entry, Duration duration) {
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("request", entry.requestId());
        line.put("actor", entry.actor());
        line.put("peer", entry.peer());
        line.put("action", entry.action());
        line.put("target", shortened(entry.target()));
        line.put("outcome", shortened(entry.outcome()));
        line.put("millis", duration.toMillis());
        lines.accept(ascii(JsonWriter.write(line).toString(StandardCharsets.UTF_8)));
    }

    private static String shortened(String text) {
        return text.length() <= TARGET_LENGTH_MAX ? text : text.substring(0, TARGET_LENGTH_MAX) + "...";
    }

    // JSON's own escapes: outside strings the text is ASCII already.
    private static String ascii(String json) {
        StringBuilder ascii = new StringBuilder(json.length());
        for (int i = 0; i < json.length(); i++) {
            char c = json.charAt(i);
            if (c < FIRST_NOT_ASCII) {
                ascii.append(c);
            } else {
                ascii.append(String.format("\\u%04x", (int) c));
            }
        }
        return ascii.toString();
    }
}
