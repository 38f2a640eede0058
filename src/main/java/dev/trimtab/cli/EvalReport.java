package dev.trimtab.cli;

import dev.trimtab.quality.measure.Estimate;
import dev.trimtab.quality.measure.Measurement;
import dev.trimtab.variant.MemoryPlan;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/// What `trimtab eval` prints: a row a variant for people, or all numbers of each for programs.
final class EvalReport {
    /// One variant; the base is the first.
    record Row(String weights, String activations, Optional<Measurement> measured, Optional<Estimate> accuracy) {
        private Map<String, Object> facts() {
            Map<String, Object> facts = new LinkedHashMap<>();
            facts.put("weights", weights);
            facts.put("activations", activations);
            measured.ifPresent(found -> facts.putAll(found.facts()));
            accuracy.ifPresent(found -> {
                facts.put("accuracy", found.value());
                facts.put("accuracy_se", found.standardError());
            });
            return facts;
        }
    }

    /// For whom it is.
    enum Format {
        TEXT,
        JSON,
        MARKDOWN
    }

    private final PrintWriter out;
    private final Format format;
    private final long elements;
    private final List<Map<String, Object>> rows = new ArrayList<>();

    /// @param elements weights of the checkpoint, which bits a weight are counted over
    EvalReport(PrintWriter out, Format format, long elements) {
        this.out = out;
        this.format = format;
        this.elements = elements;
    }

    void add(Row row) {
        rows.add(row.facts());
        switch (format) {
            case TEXT -> sayText(row);
            case MARKDOWN -> sayTableRow(row);
            case JSON -> {}
        }
    }

    private void sayTableRow(Row row) {
        if (rows.size() == 1) {
            say("| recipe | bits a weight | KL, nats | same-top, %% | perplexity ratio | greedy | tasks, %% |"
                    + " decode, tokens/s |");
            say("|---|---|---|---|---|---|---|---|");
        }
        String tasks = row.accuracy()
                .map(found ->
                        String.format(Locale.ROOT, "%.2f +- %.2f", 100 * found.value(), 100 * found.standardError()))
                .orElse("");
        row.measured()
                .ifPresent(found -> say(
                        "| `%s` | %.2f | %s | %.2f +- %.2f | %.4f | %.2f | %s | %.0f |",
                        row.weights(),
                        (double) Byte.SIZE * found.cost().bytes() / elements,
                        plain(found.distance().mean(), 5),
                        100 * found.sameTop().value(),
                        100 * found.sameTop().standardError(),
                        Math.exp(found.perplexity().logRatio().value()),
                        found.shift().genMatch(),
                        tasks,
                        found.cost().decodeTps()));
    }

    private void sayText(Row row) {
        if (rows.size() == 1) {
            row.measured()
                    .map(Measurement::sample)
                    .ifPresent(sample -> say(
                            "%d tokens scored in %d chunks, context %d",
                            sample.tokens(), sample.chunks(), sample.context()));
        }
        say("%s, activations %s", row.weights(), row.activations());
        row.measured().ifPresent(this::print);
        row.accuracy()
                .ifPresent(found ->
                        say("  tasks        %.2f +- %.2f %%", 100 * found.value(), 100 * found.standardError()));
    }

    private void print(Measurement found) {
        Measurement.Perplexity perplexity = found.perplexity();
        Measurement.Distance distance = found.distance();
        Measurement.Shift shift = found.shift();
        Measurement.Cost cost = found.cost();
        say(
                "  perplexity   %s   base %s   ln ratio %s",
                plain(perplexity.variant(), 4), plain(perplexity.base(), 4), plain(perplexity.logRatio(), 6));
        say(
                "  KL (nats)    %s   median %.6f   95 %% %.6f   99 %% %.6f   max %.4f",
                plain(distance.mean(), 6), distance.median(), distance.p95(), distance.p99(), distance.max());
        say(
                "  same top     %.3f +- %.3f %%   flips %.5f   acceptance %.5f",
                100 * found.sameTop().value(),
                100 * found.sameTop().standardError(),
                shift.flips(),
                shift.acceptance());
        say(
                "  delta p      mean %.3f %%   RMS %.3f %%   gen_match %.3f",
                100 * shift.deltaMean(), 100 * shift.deltaRms(), shift.genMatch());
        say(
                "  speed        decode %.1f   prefill %.1f tokens/s   weights %s",
                cost.decodeTps(), cost.prefillTps(), MemoryPlan.readable(cost.bytes()));
    }

    private static String plain(Estimate estimate, int digits) {
        return String.format(
                Locale.ROOT, "%." + digits + "f +- %." + digits + "f", estimate.value(), estimate.standardError());
    }

    private void say(String format, Object... values) {
        out.printf(Locale.ROOT, format + "%n", values);
        out.flush();
    }

    /// The numbers, where they are for programs.
    void end() {
        if (format == Format.JSON) {
            out.println(Json.indented(Map.of("rows", rows)));
        }
    }
}
