package dev.trimtab.compress.lock;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import dev.trimtab.checkpoint.coupling.Keep;
import dev.trimtab.checkpoint.coupling.Removal;
import dev.trimtab.checkpoint.coupling.Removal.LayerKeep;
import dev.trimtab.checkpoint.io.FileOutput;
import dev.trimtab.error.BadConfiguration;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/// A [Lock] as JSON, one tensor after the other, for people to read and for version control to compare.
///
/// ```json
/// {
///   "version" : 1,
///   "recipe" : "<SHA-256 of its text>",
///   "source" : "<digest of all weights>",
///   "statistics" : "<digest of the calibration>",
///   "seed" : 7,
///   "removal" : {
///     "tokens" : "all",
///     "layers" : [ { "groups" : "all", "neurons" : [ [ 0, 2, 3 ] ] }, { "groups" : "none", "neurons" : "none" } ]
///   },
///   "metrics" : { "kl" : 0.0123 },
///   "tensors" : [ { "name" : "...", "rule" : "...", "form" : "...", "bytes" : 1, "rank" : 8, "address" : "..." } ]
/// }
/// ```
///
/// `statistics`, `removal`, `metrics` and `rank` stand only where there are any.
public final class LockFile {
    static final int VERSION = 1;

    /// A lock of a thousand layers with the numbers of all their neurons is smaller.
    private static final long SIZE_MAX = 256L << 20;

    private LockFile() {}

    /// Reads `file`.
    ///
    /// @throws BadConfiguration with the line, where it is no lock
    public static Lock read(Path file) {
        try {
            if (Files.size(file) > SIZE_MAX) {
                throw new BadConfiguration(file + ": a lock of at most " + SIZE_MAX + " bytes expected");
            }
            return LockReader.read(file.toString(), Files.readAllBytes(file));
        } catch (IOException e) {
            throw new BadConfiguration(file + ": the lock cannot be read: " + e.getMessage());
        }
    }

    /// Writes `lock`: equal ones byte by byte alike.
    ///
    /// @throws BadConfiguration where the disk refuses
    public static void write(Path file, Lock lock) {
        try {
            byte[] json = json(lock);
            FileOutput.write(file, channel -> FileOutput.write(channel, json));
        } catch (IOException | UncheckedIOException e) {
            throw new BadConfiguration("the lock " + e.getMessage());
        }
    }

    private static byte[] json(Lock lock) throws IOException {
        var bytes = new ByteArrayOutputStream();
        try (JsonGenerator json = new JsonFactory().createGenerator(bytes)) {
            // The same line ends on every system.
            json.setPrettyPrinter(new DefaultPrettyPrinter().withObjectIndenter(new DefaultIndenter("  ", "\n")));
            json.writeStartObject();
            json.writeNumberField("version", VERSION);
            write(json, lock.inputs());
            if (lock.removal().isPresent()) {
                write(json, lock.removal().get());
            }
            if (!lock.metrics().isEmpty()) {
                json.writeObjectFieldStart("metrics");
                for (Map.Entry<String, Double> metric : lock.metrics().entrySet()) {
                    json.writeNumberField(metric.getKey(), metric.getValue());
                }
                json.writeEndObject();
            }
            json.writeArrayFieldStart("tensors");
            for (Lock.Entry entry : lock.tensors()) {
                write(json, entry);
            }
            json.writeEndArray();
            json.writeEndObject();
            json.writeRaw('\n');
        }
        return bytes.toByteArray();
    }

    private static void write(JsonGenerator json, Lock.Inputs inputs) throws IOException {
        json.writeStringField("recipe", inputs.recipe());
        json.writeStringField("source", inputs.source());
        if (inputs.statistics().isPresent()) {
            json.writeStringField("statistics", inputs.statistics().get());
        }
        json.writeNumberField("seed", inputs.seed());
    }

    private static void write(JsonGenerator json, Removal removal) throws IOException {
        json.writeObjectFieldStart("removal");
        write(json, "tokens", removal.tokens());
        json.writeArrayFieldStart("layers");
        for (LayerKeep layer : removal.layers()) {
            json.writeStartObject();
            write(json, "groups", layer.groups());
            write(json, "neurons", layer.neurons());
            json.writeEndObject();
        }
        json.writeEndArray();
        json.writeEndObject();
    }

    private static void write(JsonGenerator json, String key, Keep keep) throws IOException {
        switch (keep) {
            case Keep.All() -> json.writeStringField(key, LockReader.ALL);
            case Keep.None() -> json.writeStringField(key, LockReader.NONE);
            case Keep.Some(List<int[]> lists) -> {
                json.writeArrayFieldStart(key);
                for (int[] list : lists) {
                    json.writeArray(list, 0, list.length);
                }
                json.writeEndArray();
            }
        }
    }

    private static void write(JsonGenerator json, Lock.Entry entry) throws IOException {
        json.writeStartObject();
        json.writeStringField("name", entry.name());
        json.writeStringField("rule", entry.rule());
        json.writeStringField("form", entry.form());
        json.writeNumberField("bytes", entry.bytes());
        if (entry.rank().isPresent()) {
            json.writeNumberField("rank", entry.rank().getAsInt());
        }
        json.writeStringField("address", entry.address());
        json.writeEndObject();
    }
}
