package dev.trimtab.quality.calibration;

import dev.trimtab.checkpoint.cache.Digest;
import dev.trimtab.error.InvalidRequest;
import dev.trimtab.quality.TextWindows;
import dev.trimtab.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// What a model reads for calibration.
///
/// @param digest of the ids, window by window
public record CalibrationText(TextWindows windows, String digest) {
    /// Importances settle at a few thousand tokens (llama.cpp's own figures: KL 0.337 with a thousand, 0.331
    /// with ten thousand).
    public static final int TOKENS_DEFAULT = 8192;

    /// What most models are judged in.
    private static final int WINDOW_TOKENS = 512;

    /// Shorter texts say nothing of a model that reads context.
    private static final int DOCUMENT_CHARACTERS_MIN = 2;

    /// Documents, each from its own beginning, control tokens in them parsed; windows of at most 512 tokens or
    /// the model's `contextLength`, and no more than `tokensMax` in all.
    ///
    /// @throws InvalidRequest when nothing is left
    public static CalibrationText of(Tokenizer tokenizer, List<String> documents, int contextLength, int tokensMax) {
        List<int[]> windows = new ArrayList<>();
        int left = tokensMax;
        for (String document : documents) {
            if (left < 2 || document.length() < DOCUMENT_CHARACTERS_MIN) {
                continue;
            }
            int window = Math.min(WINDOW_TOKENS, contextLength);
            List<int[]> found =
                    TextWindows.of(tokenizer, document, window, left).windows();
            windows.addAll(found);
            left -= found.stream().mapToInt(ids -> ids.length).sum();
        }
        if (windows.isEmpty()) {
            throw InvalidRequest.of("a calibration text without tokens");
        }
        return of(new TextWindows(windows));
    }

    static CalibrationText of(TextWindows windows) {
        Digest digest = new Digest("calibration text", 1);
        windows.windows().forEach(digest::add);
        return new CalibrationText(windows, digest.hex());
    }

    public int tokens() {
        return windows.windows().stream().mapToInt(ids -> ids.length).sum();
    }

    @Override
    public String toString() {
        return tokens() + " tokens in " + windows.windows().size() + " windows, the first of "
                + Arrays.toString(Arrays.copyOf(windows.windows().getFirst(), 4)) + "...";
    }
}
