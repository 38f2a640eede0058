package dev.trimtab.quality.measure;

import dev.trimtab.error.BadConfiguration;
import dev.trimtab.error.Internal;
import java.util.List;
import java.util.Map;

/// What a recipe demands of the variant it makes.
///
/// @param gates in the order written
public record Gates(List<Gate> gates, OnFail onFail) {
    /// Nothing is demanded.
    public static final Gates NONE = new Gates(List.of(), OnFail.QUARANTINE);

    /// What becomes of a variant that misses a gate.
    public enum OnFail {
        /// It is not served.
        QUARANTINE,
        /// It is served, and a warning logged.
        WARN;

        /// @throws BadConfiguration for another word
        public static OnFail parse(String word) {
            return switch (word) {
                case "quarantine" -> QUARANTINE;
                case "warn" -> WARN;
                default -> throw new BadConfiguration("on_fail: quarantine or warn expected, found `" + word + "`");
            };
        }
    }

    /// What came of them.
    public sealed interface Verdict {
        record Passed() implements Verdict {}

        /// @param found the number that `gate` does not allow
        record Missed(Gate gate, double found) implements Verdict {
            @Override
            public String toString() {
                return gate + " missed: found " + Gate.plain(found);
            }
        }
    }

    public Gates {
        gates = List.copyOf(gates);
    }

    /// `bounds` by metric, as a recipe writes them: `{kld_mean: "<=0.05"}`.
    ///
    /// @throws BadConfiguration for what is no gate
    public static Gates parse(Map<String, String> bounds, OnFail onFail) {
        return new Gates(
                bounds.entrySet().stream()
                        .map(bound -> Gate.parse(bound.getKey(), bound.getValue()))
                        .toList(),
                onFail);
    }

    /// Whether `facts`, a [Measurement]'s, keep all of them; the first that they miss if not.
    public Verdict check(Map<String, ? extends Number> facts) {
        for (Gate gate : gates) {
            double found = gate.metric().of(facts).orElseThrow(() -> new Internal(gate + ": not measured"));
            if (!gate.holds(found)) {
                return new Verdict.Missed(gate, found);
            }
        }
        return new Verdict.Passed();
    }
}
