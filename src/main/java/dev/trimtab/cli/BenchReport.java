package dev.trimtab.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.trimtab.error.Internal;
import dev.trimtab.quality.Speed;
import dev.trimtab.quality.Speed.Spread;
import dev.trimtab.variant.MemoryPlan;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// What `trimtab bench` found.
///
/// @param speeds one for each batch, the first being the one that single figures are taken from
record BenchReport(Machine machine, Load load, Prefill prefill, List<Speed> speeds) {
    /// @param readBefore and `readAfter`: read bandwidth in GB/s around the measurement
    record Machine(String kernels, int threads, double readBefore, double readAfter) {
        double readGigabytes() {
            return (readBefore + readAfter) / 2;
        }
    }

    /// How long loading took and what it left in memory.
    record Load(double seconds, long residentBytes, long weightBytes) {}

    /// @param tokensPerSecond of one sequence
    /// @param multiplyAdds of one token
    record Prefill(Spread tokensPerSecond, long multiplyAdds) {}

    String table() {
        StringWriter text = new StringWriter();
        PrintWriter out = new PrintWriter(text);
        out.printf(
                Locale.ROOT,
                "kernels %s, %d threads, memory read %.1f GB/s before and %.1f after%n",
                machine.kernels(),
                machine.threads(),
                machine.readBefore(),
                machine.readAfter());
        out.printf(
                Locale.ROOT,
                "load    %.2f s, packed weights %s, resident %s%n",
                load.seconds(),
                MemoryPlan.readable(load.weightBytes()),
                MemoryPlan.readable(load.residentBytes()));
        out.printf(
                Locale.ROOT,
                "prefill %.0f tok/s (%.0f..%.0f), %.1f GMAC/s a core%n%n",
                prefill.tokensPerSecond().median(),
                prefill.tokensPerSecond().min(),
                prefill.tokensPerSecond().max(),
                gigaMacsPerCore());
        out.println("batch   decode tok/s (min..max)   share of bandwidth (min..max)   step overhead");
        for (Speed speed : speeds) {
            out.printf(
                    Locale.ROOT,
                    "%5d   %8.1f (%.1f..%.1f)   %12.0f %% (%.0f..%.0f)   %16.0f us%n",
                    speed.batch(),
                    speed.decode().median(),
                    speed.decode().min(),
                    speed.decode().max(),
                    100 * speed.readShare().median(),
                    100 * speed.readShare().min(),
                    100 * speed.readShare().max(),
                    speed.overheadMicros().median());
        }
        return text.toString();
    }

    String json() {
        Speed first = speeds.getFirst();
        Map<String, Object> report = new LinkedHashMap<>();
        report.put(
                "machine",
                Map.of(
                        "kernels", machine.kernels(),
                        "threads", machine.threads(),
                        "read_gbs", machine.readGigabytes(),
                        "read_gbs_before", machine.readBefore(),
                        "read_gbs_after", machine.readAfter()));
        report.put(
                "load",
                Map.of(
                        "seconds", load.seconds(),
                        "rss_bytes", load.residentBytes(),
                        "weight_bytes", load.weightBytes()));
        report.put(
                "prefill",
                Map.of(
                        "tokens_per_s", prefill.tokensPerSecond().median(),
                        "gmacs_per_core", gigaMacsPerCore(),
                        "spread", spread(prefill.tokensPerSecond())));
        report.put("decode", decode(first));
        report.put("batch", speeds.stream().map(speed -> entry(speed)).toList());
        try {
            return new ObjectMapper().writerWithDefaultPrettyPrinter().writeValueAsString(report);
        } catch (JsonProcessingException e) {
            throw new Internal("a report does not render as JSON", e);
        }
    }

    private Map<String, Object> entry(Speed speed) {
        Map<String, Object> entry = new LinkedHashMap<>(decode(speed));
        entry.put("batch", speed.batch());
        entry.put("step_overhead_us", speed.overheadMicros().median());
        return entry;
    }

    private Map<String, Object> decode(Speed speed) {
        return Map.of(
                "tokens_per_s", speed.decode().median(),
                "spread", spread(speed.decode()),
                "gbs", gigabytes(speed),
                "bandwidth_share", speed.readShare().median());
    }

    private static Map<String, Object> spread(Spread spread) {
        return Map.of("min", spread.min(), "max", spread.max());
    }

    private double gigaMacsPerCore() {
        return prefill.tokensPerSecond().median() * prefill.multiplyAdds() / 1e9 / machine.threads();
    }

    /// Packed weights read: all of them, once a step.
    private double gigabytes(Speed speed) {
        return speed.decode().median() / speed.batch() * load.weightBytes() / 1e9;
    }
}
