package dev.trimtab.engine;

import java.util.List;

/// Finds stop strings in text that arrives in pieces, whatever the borders of the pieces, and holds back no
/// more text than could still become a stop string.
///
/// The stop string that ends first wins, and of those that end together the longest: the result does not
/// depend on how the text is cut. Knuth-Morris-Pratt for each string (Knuth, Morris, Pratt 1977, section 2):
/// its state is the length of the longest suffix of the text that begins the string, so the longest state of
/// all is what to hold.
final class StopDetector {
    private final String[] strings;
    private final int[][] borders;
    private final int[] states;
    private final StringBuilder held = new StringBuilder();
    private boolean matched;

    StopDetector(List<String> strings) {
        this.strings = strings.toArray(String[]::new);
        this.borders = new int[this.strings.length][];
        this.states = new int[this.strings.length];
        for (int i = 0; i < borders.length; i++) {
            borders[i] = bordersOf(this.strings[i]);
        }
    }

    /// Whether a stop string has been seen: nothing after it is text.
    boolean matched() {
        return matched;
    }

    /// The text that `piece` makes certain; the text before the stop string when one is completed.
    String accept(String piece) {
        if (strings.length == 0 || piece.isEmpty()) {
            return piece;
        }
        for (int i = 0; i < piece.length(); i++) {
            held.append(piece.charAt(i));
            int stopLength = advance(piece.charAt(i));
            if (stopLength > 0) {
                matched = true;
                return release(held.length() - stopLength);
            }
        }
        int longest = 0;
        for (int state : states) {
            longest = Math.max(longest, state);
        }
        return release(held.length() - longest);
    }

    /// What is held back, when no more text comes.
    String finish() {
        return matched ? "" : release(held.length());
    }

    /// Moves every state over `next`; the length of the longest stop string completed by it, 0 for none.
    private int advance(char next) {
        int stopLength = 0;
        for (int i = 0; i < strings.length; i++) {
            int state = states[i];
            while (state > 0 && strings[i].charAt(state) != next) {
                state = borders[i][state];
            }
            states[i] = strings[i].charAt(state) == next ? state + 1 : 0;
            if (states[i] == strings[i].length()) {
                stopLength = Math.max(stopLength, states[i]);
            }
        }
        return stopLength;
    }

    private String release(int count) {
        if (count == 0) {
            return "";
        }
        String text = held.substring(0, count);
        held.delete(0, count);
        return text;
    }

    /// `borders[n]`: length of the longest proper prefix of the first n characters that is also their suffix.
    private static int[] bordersOf(String string) {
        int[] borders = new int[string.length() + 1];
        int border = 0;
        for (int n = 2; n <= string.length(); n++) {
            char last = string.charAt(n - 1);
            while (border > 0 && string.charAt(border) != last) {
                border = borders[border];
            }
            border = string.charAt(border) == last ? border + 1 : 0;
            borders[n] = border;
        }
        return borders;
    }
}
