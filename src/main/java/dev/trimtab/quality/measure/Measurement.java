package dev.trimtab.quality.measure;

import dev.trimtab.error.Internal;
import java.util.LinkedHashMap;
import java.util.Map;

/// What a variant is worth beside the base of its checkpoint, over one text.
///
/// @param sameTop share of tokens of which both find the same likeliest
public record Measurement(
        Sample sample, Distance distance, Estimate sameTop, Perplexity perplexity, Shift shift, Cost cost) {
    /// @param tokens scored
    /// @param context of the longest chunk: perplexities compare at equal contexts only
    public record Sample(long tokens, int chunks, int context) {
        public Sample {
            check(tokens > 0 && chunks > 0 && context > 1, "tokens, chunks, context");
        }
    }

    /// KL divergence from the base to the variant, nats a token.
    public record Distance(Estimate mean, double median, double p95, double p99, double max) {
        public Distance {
            check(median <= p95 && p95 <= p99 && p99 <= max, "quantiles in order");
        }
    }

    /// @param base `exp(mean -log p)`, and the variant's
    /// @param logRatio `ln(variant / base)`; its error is that of the tokens' differences, which counts what the
    /// two
    ///     have in common
    public record Perplexity(Estimate base, Estimate variant, Estimate logRatio) {
        public Perplexity {
            check(base.value() > 0 && variant.value() > 0, "positive perplexities");
        }

        public double ratio() {
            return Math.exp(logRatio.value());
        }
    }

    /// @param deltaMean mean of `q - p` of the token that came
    /// @param deltaRms root of its mean square
    /// @param flips share of changed likeliest tokens, each weighted by the base's margin `p_1 - p_2`
    /// @param acceptance mean of `sum_i min(p_i, q_i)`: 1 less the total variation
    /// @param genMatch mean share of a greedy continuation of 64 tokens before it differs from the base's
    public record Shift(double deltaMean, double deltaRms, double flips, double acceptance, double genMatch) {
        public Shift {
            check(deltaMean >= -1 && deltaMean <= 1 && deltaRms >= 0 && deltaRms <= 1, "differences of probabilities");
            check(flips >= 0 && flips <= 1, "flips in 0..1");
            check(acceptance >= 0 && acceptance <= 1 && genMatch >= 0 && genMatch <= 1, "shares in 0..1");
        }
    }

    /// @param decodeTps tokens a second of one sequence
    /// @param prefillTps tokens a second
    /// @param bytes of all weights as they are held: codes, scales, corrections, codebooks
    public record Cost(double decodeTps, double prefillTps, long bytes) {
        public Cost {
            check(decodeTps > 0 && prefillTps > 0 && bytes >= 0, "positive speeds and bytes");
        }
    }

    public Measurement {
        check(sameTop.value() >= 0 && sameTop.value() <= 1, "same top in 0..1");
    }

    private static void check(boolean holds, String what) {
        if (!holds) {
            throw new Internal("a measurement has " + what);
        }
    }

    /// The one number that stands for quality: 0..1, 1 for the base itself.
    public double quality() {
        return sameTop.value();
    }

    /// All of it by name, for files and people.
    public Map<String, Number> facts() {
        Map<String, Number> facts = new LinkedHashMap<>();
        facts.put("tokens", sample.tokens());
        facts.put("chunks", sample.chunks());
        facts.put("context", sample.context());
        put(facts, "kld_mean", distance.mean());
        facts.put("kld_median", distance.median());
        facts.put("kld_p95", distance.p95());
        facts.put("kld_p99", distance.p99());
        facts.put("kld_max", distance.max());
        put(facts, "same_top", sameTop);
        put(facts, "ppl_base", perplexity.base());
        put(facts, "ppl", perplexity.variant());
        put(facts, "ppl_log_ratio", perplexity.logRatio());
        facts.put("ppl_ratio", perplexity.ratio());
        facts.put("dp_mean", shift.deltaMean());
        facts.put("dp_rms", shift.deltaRms());
        facts.put("flips", shift.flips());
        facts.put("acceptance", shift.acceptance());
        facts.put("total_variation", 1 - shift.acceptance());
        facts.put("gen_match", shift.genMatch());
        facts.put("decode_tps", cost.decodeTps());
        facts.put("prefill_tps", cost.prefillTps());
        facts.put("bytes", cost.bytes());
        return facts;
    }

    private static void put(Map<String, Number> facts, String name, Estimate estimate) {
        facts.put(name, estimate.value());
        facts.put(name + "_se", estimate.standardError());
    }
}
