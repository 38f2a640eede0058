package dev.trimtab.checkpoint;

import dev.trimtab.error.BadCheckpoint;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// A checkpoint's metadata: typed look-ups over GGUF's key-value pairs, whose keys are the canonical ones.
///
/// Immutable. Every look-up that finds nothing, or something of another type or range, throws [BadCheckpoint]
/// with the source (a file's name), the key, what was expected and what was found; the forms with a fallback
/// throw only for the latter.
public final class Metadata {
    /// Which two numbers of a head rotate together: `halves` (i and i + D/2) or `adjacent` (2i and 2i + 1).
    /// Set by readers of layouts that differ from what GGUF means by the architecture's name; absent in GGUF
    /// files.
    public static final String ROPE_PAIRING = "trimtab.rope.pairing";

    /// Hugging Face's name of what the feed-forward block bends its elements with, where it need not be the
    /// architecture's own; absent in GGUF files.
    public static final String HIDDEN_ACT = "trimtab.hidden_act";

    private final String source;
    private final Map<String, MetadataValue> values;

    /// `source` names the file in messages; the order of `values` is kept.
    public Metadata(String source, Map<String, MetadataValue> values) {
        this.source = source;
        this.values = Collections.unmodifiableMap(new LinkedHashMap<>(values));
    }

    /// What messages call the place this came from.
    public String source() {
        return source;
    }

    /// All pairs in the file's order.
    public Map<String, MetadataValue> values() {
        return values;
    }

    public boolean contains(String key) {
        return values.containsKey(key);
    }

    public Optional<MetadataValue> find(String key) {
        return Optional.ofNullable(values.get(key));
    }

    public String string(String key) {
        if (required(key) instanceof MetadataValue.Text(String text)) {
            return text;
        }
        throw mismatch(key, "a string");
    }

    public String string(String key, String fallback) {
        return contains(key) ? string(key) : fallback;
    }

    /// An integer of any width.
    public long integer(String key) {
        if (required(key) instanceof MetadataValue.Whole whole) {
            return whole.value();
        }
        throw mismatch(key, "an integer");
    }

    /// An integer in `[min, max]`.
    public int integer(String key, int min, int max) {
        long value = integer(key);
        if (value < min || value > max) {
            throw BadCheckpoint.mismatch(where(key), "an integer in " + min + ".." + max, value);
        }
        return Math.toIntExact(value);
    }

    /// As [#integer(String, int, int)], or `fallback` (which need not be in the range) where the key is
    /// absent.
    public int integer(String key, int min, int max, int fallback) {
        return contains(key) ? integer(key, min, max) : fallback;
    }

    /// A finite number, integer or floating.
    public double number(String key) {
        double value = Double.NaN;
        if (required(key) instanceof MetadataValue.Real real) {
            value = real.value();
        } else if (required(key) instanceof MetadataValue.Whole whole) {
            value = whole.value();
        }
        if (!Double.isFinite(value)) {
            throw mismatch(key, "a finite number");
        }
        return value;
    }

    public double number(String key, double fallback) {
        return contains(key) ? number(key) : fallback;
    }

    public boolean flag(String key, boolean fallback) {
        if (!contains(key)) {
            return fallback;
        }
        if (required(key) instanceof MetadataValue.Flag(boolean flag)) {
            return flag;
        }
        throw mismatch(key, "a boolean");
    }

    public List<String> strings(String key) {
        if (required(key) instanceof MetadataValue.Texts(List<String> texts)) {
            return texts;
        }
        throw mismatch(key, "an array of strings");
    }

    /// A copy of an array of integers.
    public long[] integers(String key) {
        if (required(key) instanceof MetadataValue.Wholes wholes) {
            return wholes.wholes().clone();
        }
        throw mismatch(key, "an array of integers");
    }

    /// A copy of an array of floating-point numbers.
    public double[] numbers(String key) {
        if (required(key) instanceof MetadataValue.Reals reals) {
            return reals.reals().clone();
        }
        throw mismatch(key, "an array of numbers");
    }

    private MetadataValue required(String key) {
        MetadataValue value = values.get(key);
        if (value == null) {
            throw BadCheckpoint.mismatch(where(key), "a value", "none");
        }
        return value;
    }

    private BadCheckpoint mismatch(String key, String expected) {
        return BadCheckpoint.mismatch(where(key), expected, required(key).describe());
    }

    private String where(String key) {
        return source + ": metadata " + key;
    }

    @Override
    public String toString() {
        return source + values.keySet();
    }
}
