package dev.trimtab.template.value;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/// Python's arithmetic on the values of a template. Integers have 64 bits; what does not fit is
/// refused.
public final class Operators {
    private Operators() {}

    /// `left + right`: numbers, or two sequences of one kind.
    ///
    /// A text and a number are joined, where Python refuses: it is what Hugging Face's JavaScript
    /// renderer does, and some templates were tried with that one only.
    public static Value add(Rendering rendering, Value left, Value right) {
        if (left instanceof Value.Text first && right instanceof Value.Text second) {
            return join(rendering, first.text(), second.text());
        }
        if (Kinds.isNumber(left) && Kinds.isNumber(right)) {
            return arithmetic(rendering, '+', left, right);
        }
        if (left instanceof Value.Items first
                && right instanceof Value.Items second
                && first.shape() == second.shape()
                && (first.shape() == Value.Shape.LIST || first.shape() == Value.Shape.TUPLE)) {
            List<Value> both =
                    new ArrayList<>(first.values().size() + second.values().size());
            both.addAll(first.values());
            both.addAll(second.values());
            return rendering.items(first.shape(), both, Math.max(first.depth(), second.depth()));
        }
        if (left instanceof Value.Text first && isPlainNumber(right)) {
            return join(rendering, first.text(), Printer.str(rendering, right));
        }
        if (isPlainNumber(left) && right instanceof Value.Text second) {
            return join(rendering, Printer.str(rendering, left), second.text());
        }
        throw unsupported(rendering, "+", left, right);
    }

    private static boolean isPlainNumber(Value value) {
        return value instanceof Value.Int || value instanceof Value.Real;
    }

    private static Value join(Rendering rendering, String first, String second) {
        rendering.makes((long) first.length() + second.length());
        return Value.of(first.concat(second));
    }

    public static Value subtract(Rendering rendering, Value left, Value right) {
        return arithmetic(rendering, '-', left, right);
    }

    /// `left * right`: numbers, or a sequence and how often to repeat it.
    public static Value multiply(Rendering rendering, Value left, Value right) {
        if (Kinds.isWhole(right) && (left instanceof Value.Text || left instanceof Value.Items)) {
            return repeat(rendering, left, Kinds.whole(right));
        }
        if (Kinds.isWhole(left) && (right instanceof Value.Text || right instanceof Value.Items)) {
            return repeat(rendering, right, Kinds.whole(left));
        }
        return arithmetic(rendering, '*', left, right);
    }

    private static Value repeat(Rendering rendering, Value value, long times) {
        if (value instanceof Value.Items items) {
            if (times <= 0 || items.values().isEmpty()) {
                return rendering.items(items.shape(), List.of());
            }
            rendering.steps(product(rendering, times, items.values().size()));
            List<Value> repeated = new ArrayList<>();
            for (List<Value> copy : Collections.nCopies((int) times, items.values())) {
                repeated.addAll(copy);
            }
            return rendering.items(items.shape(), repeated, items.depth());
        }
        String text = ((Value.Text) value).text();
        if (times <= 0 || text.isEmpty()) {
            return Value.EMPTY_TEXT;
        }
        rendering.makes(product(rendering, times, text.length()));
        return Value.of(text.repeat((int) times));
    }

    private static long product(Rendering rendering, long times, long length) {
        if (times > Rendering.CHARS_MAX) {
            throw rendering.limit("repetitions", Rendering.CHARS_MAX);
        }
        return times * length;
    }

    /// `left / right`, always a float.
    public static Value divide(Rendering rendering, Value left, Value right) {
        requireNumbers(rendering, "/", left, right);
        refuseZero(rendering, right);
        return new Value.Real(Kinds.real(left) / Kinds.real(right));
    }

    /// `left // right`, rounded towards minus infinity.
    public static Value floorDivide(Rendering rendering, Value left, Value right) {
        requireNumbers(rendering, "//", left, right);
        refuseZero(rendering, right);
        return arithmetic(rendering, '/', left, right);
    }

    /// `left % right` with the sign of `right`; with a text on the left, Python's old formatting.
    public static Value remainder(Rendering rendering, Value left, Value right) {
        if (left instanceof Value.Text pattern) {
            return rendering.text(PercentFormat.format(rendering, pattern.text(), right));
        }
        requireNumbers(rendering, "%", left, right);
        refuseZero(rendering, right);
        return arithmetic(rendering, '%', left, right);
    }

    private static void refuseZero(Rendering rendering, Value divisor) {
        if (Kinds.real(divisor) == 0) {
            throw rendering.invalid("division by zero");
        }
    }

    /// `left ** right`: an integer when both are and the exponent is not negative.
    public static Value power(Rendering rendering, Value left, Value right) {
        requireNumbers(rendering, "**", left, right);
        if (!Kinds.isWhole(left) || !Kinds.isWhole(right) || Kinds.whole(right) < 0) {
            if (Kinds.real(left) == 0 && Kinds.real(right) < 0) {
                throw rendering.invalid("0.0 cannot be raised to a negative power");
            }
            return new Value.Real(Math.pow(Kinds.real(left), Kinds.real(right)));
        }
        try {
            // An exponent beyond an int matters by its parity alone: only -1, 0 and 1 have such powers in 64 bits.
            long exponent = Kinds.whole(right);
            long parity = exponent & 1;
            int bounded = (int) Math.min(exponent, Integer.MAX_VALUE - 1L + parity);
            return Value.of(Math.powExact(Kinds.whole(left), bounded));
        } catch (ArithmeticException _) {
            throw tooLarge(rendering);
        }
    }

    public static Value negate(Rendering rendering, Value value) {
        return switch (value) {
            case Value.Real real -> new Value.Real(-real.number());
            case Value.Int _, Value.Bool _ -> arithmetic(rendering, '-', Value.of(0), value);
            case Value.Undefined undefined -> throw rendering.undefined(undefined);
            default -> throw rendering.invalid("bad operand type for unary -: '" + Kinds.nameOf(value) + "'");
        };
    }

    public static Value plus(Rendering rendering, Value value) {
        return switch (value) {
            case Value.Real _, Value.Int _ -> value;
            case Value.Bool _ -> Value.of(Kinds.whole(value));
            case Value.Undefined undefined -> throw rendering.undefined(undefined);
            default -> throw rendering.invalid("bad operand type for unary +: '" + Kinds.nameOf(value) + "'");
        };
    }

    private static Value arithmetic(Rendering rendering, char operator, Value left, Value right) {
        requireNumbers(rendering, String.valueOf(operator), left, right);
        if (Kinds.isWhole(left) && Kinds.isWhole(right)) {
            try {
                return Value.of(whole(operator, Kinds.whole(left), Kinds.whole(right)));
            } catch (ArithmeticException _) {
                throw tooLarge(rendering);
            }
        }
        return new Value.Real(real(operator, Kinds.real(left), Kinds.real(right)));
    }

    private static long whole(char operator, long left, long right) {
        return switch (operator) {
            case '+' -> Math.addExact(left, right);
            case '-' -> Math.subtractExact(left, right);
            case '*' -> Math.multiplyExact(left, right);
            case '/' -> Math.floorDivExact(left, right);
            default -> Math.floorMod(left, right);
        };
    }

    private static double real(char operator, double left, double right) {
        return switch (operator) {
            case '+' -> left + right;
            case '-' -> left - right;
            case '*' -> left * right;
            case '/' -> Math.floor(left / right);
            default -> {
                double remainder = left % right;
                yield remainder != 0 && (remainder < 0) != (right < 0) ? remainder + right : remainder;
            }
        };
    }

    private static void requireNumbers(Rendering rendering, String operator, Value left, Value right) {
        if (!Kinds.isNumber(left) || !Kinds.isNumber(right)) {
            throw unsupported(rendering, operator, left, right);
        }
    }

    private static RuntimeException tooLarge(Rendering rendering) {
        return rendering.broken("an integer of more than 64 bits");
    }

    private static RuntimeException unsupported(Rendering rendering, String operator, Value left, Value right) {
        if (left instanceof Value.Undefined undefined) {
            return rendering.undefined(undefined);
        }
        if (right instanceof Value.Undefined undefined) {
            return rendering.undefined(undefined);
        }
        return rendering.invalid("unsupported operand type(s) for " + operator + ": '" + Kinds.nameOf(left) + "' and '"
                + Kinds.nameOf(right) + "'");
    }
}
