package dev.trimtab.checkpoint;

import dev.trimtab.error.Internal;
import java.util.List;

/// One metadata value. Scalars and arrays keep the width they were stored with ([ValueType]) so that a writer
/// can give back what a reader found. Arrays are not copied: treat them as read-only.
public sealed interface MetadataValue {
    /// A short text for messages and listings, cut where long.
    String describe();

    /// A string.
    record Text(String text) implements MetadataValue {
        @Override
        public String describe() {
            return text.length() <= 60 ? '"' + text + '"' : '"' + text.substring(0, 57) + "...\"";
        }
    }

    /// A boolean.
    record Flag(boolean flag) implements MetadataValue {
        @Override
        public String describe() {
            return String.valueOf(flag);
        }
    }

    /// An integer of any width; unsigned 64-bit values above `Long.MAX_VALUE` are refused by the reader.
    record Whole(ValueType type, long value) implements MetadataValue {
        public Whole {
            if (!type.holds(value)) {
                throw new Internal("an integer of type " + type + " expected, found " + value);
            }
        }

        @Override
        public String describe() {
            return String.valueOf(value);
        }
    }

    /// A floating-point number.
    record Real(ValueType type, double value) implements MetadataValue {
        @Override
        public String describe() {
            return String.valueOf(value);
        }
    }

    /// An array, of one of the element types above or of arrays.
    sealed interface Array extends MetadataValue {
        int length();

        @Override
        default String describe() {
            return "an array of " + length();
        }
    }

    /// An array of strings.
    record Texts(List<String> texts) implements Array {
        @Override
        public int length() {
            return texts.size();
        }
    }

    /// An array of integers of one width.
    @SuppressWarnings("ArrayRecordComponent")
    record Wholes(ValueType type, long[] wholes) implements Array {
        @Override
        public int length() {
            return wholes.length;
        }
    }

    /// An array of floating-point numbers of one width.
    @SuppressWarnings("ArrayRecordComponent")
    record Reals(ValueType type, double[] reals) implements Array {
        @Override
        public int length() {
            return reals.length;
        }
    }

    /// An array of booleans.
    @SuppressWarnings("ArrayRecordComponent")
    record Flags(boolean[] flags) implements Array {
        @Override
        public int length() {
            return flags.length;
        }
    }

    /// An array of arrays.
    record Nested(List<Array> arrays) implements Array {
        @Override
        public int length() {
            return arrays.size();
        }
    }
}
