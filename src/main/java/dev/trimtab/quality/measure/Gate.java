package dev.trimtab.quality.measure;

import dev.trimtab.error.BadConfiguration;
import java.math.BigDecimal;
import java.util.Arrays;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/// A bound that a variant must keep: `same_top >= 0.9`.
public record Gate(Metric metric, Comparison comparison, double bound) {
    /// How a number stands to its bound.
    public enum Comparison {
        AT_MOST("<="),
        AT_LEAST(">="),
        BELOW("<"),
        ABOVE(">");

        private final String sign;

        Comparison(String sign) {
            this.sign = sign;
        }

        boolean holds(double found, double bound) {
            return switch (this) {
                case AT_MOST -> found <= bound;
                case AT_LEAST -> found >= bound;
                case BELOW -> found < bound;
                case ABOVE -> found > bound;
            };
        }
    }

    private static final Pattern BOUND =
            Pattern.compile("\\s*(<=|>=|<|>)\\s*(-?\\d{1,15}(?:\\.\\d{1,15})?(?:[eE][-+]?\\d{1,2})?)\\s*");

    /// What a recipe says: `kld_mean` and `<=0.05`.
    ///
    /// @throws BadConfiguration for a metric or a bound that is none
    public static Gate parse(String metric, String bound) {
        Metric found = Metric.of(metric)
                .orElseThrow(() -> new BadConfiguration("gate `" + metric + "`: one of "
                        + Arrays.stream(Metric.values()).map(Metric::word).collect(Collectors.joining(", "))
                        + " expected"));
        Matcher matcher = BOUND.matcher(bound);
        if (!matcher.matches()) {
            throw new BadConfiguration(
                    "gate `" + metric + "`: <=, >=, < or > and a number expected, found `" + bound + "`");
        }
        Comparison comparison = Arrays.stream(Comparison.values())
                .filter(candidate -> candidate.sign.equals(matcher.group(1)))
                .findFirst()
                .orElseThrow();
        return new Gate(found, comparison, Double.parseDouble(matcher.group(2)));
    }

    boolean holds(double found) {
        return comparison.holds(found, bound);
    }

    @Override
    public String toString() {
        return metric.word() + " " + comparison.sign + " " + plain(bound);
    }

    static String plain(double number) {
        return new BigDecimal(Double.toString(number)).stripTrailingZeros().toPlainString();
    }
}
