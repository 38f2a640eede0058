package dev.trimtab.quality;

import dev.trimtab.error.InvalidRequest;
import dev.trimtab.tokenizer.Tokenizer;
import dev.trimtab.tokenizer.Tokenizer.ControlTokens;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// A text as a model is measured on: token ids in windows, each of which begins anew, with BOS where the
/// vocabulary wants it.
///
/// @param windows ids, two or more in each; not copied
@SuppressWarnings("ArrayRecordComponent")
public record TextWindows(List<int[]> windows) {
    /// With less, a window says little about a model that reads context.
    private static final int WINDOW_MIN = 8;

    public TextWindows {
        windows = List.copyOf(windows);
    }

    /// The first `tokensMax` tokens of `text`, control tokens in it parsed, in windows of `windowTokens`.
    ///
    /// @throws InvalidRequest when the text gives no window, or windows are shorter than [#WINDOW_MIN]
    public static TextWindows of(Tokenizer tokenizer, String text, int windowTokens, int tokensMax) {
        int[] begin = tokenizer.encodePrompt("", ControlTokens.AS_TEXT);
        if (windowTokens < Math.max(WINDOW_MIN, begin.length + 2)) {
            throw InvalidRequest.of("windows of " + windowTokens + " tokens: " + WINDOW_MIN + " or more expected");
        }
        int[] ids = tokenizer.encode(text, ControlTokens.PARSE);
        int count = Math.min(ids.length, tokensMax);
        int step = windowTokens - begin.length;
        List<int[]> windows = new ArrayList<>();
        for (int from = 0; count - from >= 2; from += step) {
            int length = Math.min(step, count - from);
            int[] window = Arrays.copyOf(begin, begin.length + length);
            System.arraycopy(ids, from, window, begin.length, length);
            windows.add(window);
        }
        if (windows.isEmpty()) {
            throw InvalidRequest.of("a text of " + count + " tokens is too short to measure on: 2 or more expected");
        }
        return new TextWindows(windows);
    }

    /// Tokens of the longest window.
    public int longest() {
        return windows.stream().mapToInt(window -> window.length).max().orElseThrow();
    }
}
