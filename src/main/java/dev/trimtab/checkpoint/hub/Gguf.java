package dev.trimtab.checkpoint.hub;

import dev.trimtab.error.BadCheckpoint;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// What names of GGUF files on hubs say: `NAME-QUANTIZATION.gguf`, split ones `NAME-00001-of-00003.gguf`.
final class Gguf {
    static final String EXTENSION = ".gguf";

    /// As many files as a split checkpoint may have when it is opened.
    private static final int PARTS_MAX = 1024;

    private static final Pattern PART =
            Pattern.compile("(?<stem>.*)-(?<number>\\d{5})-of-(?<count>\\d{5})\\.gguf", Pattern.CASE_INSENSITIVE);

    /// Vision projectors and importance matrices are GGUF files too, but no models.
    private static final Pattern NO_MODEL = Pattern.compile("mmproj|imatrix", Pattern.CASE_INSENSITIVE);

    private Gguf() {}

    /// Whether `path` is a model: of a split one only the first part counts.
    static boolean isModel(String path) {
        Matcher part = PART.matcher(path);
        return path.toLowerCase(Locale.ROOT).endsWith(EXTENSION)
                && !NO_MODEL.matcher(path).find()
                && (!part.matches() || part.group("number").equals("00001"));
    }

    /// Whether `quantization` stands in `path` as a word of its own, in either case.
    static boolean isQuantizedAs(String path, String quantization) {
        String word = "(^|[-._/])" + Pattern.quote(quantization) + "([-._/]|$)";
        return Pattern.compile(word, Pattern.CASE_INSENSITIVE)
                .matcher(stem(path))
                .find();
    }

    private static String stem(String path) {
        Matcher part = PART.matcher(path);
        return part.matches() ? part.group("stem") : path.substring(0, path.length() - EXTENSION.length());
    }

    /// The names of all parts of the model whose first is `path`; itself where it is whole.
    static List<String> parts(String path) {
        Matcher part = PART.matcher(path);
        if (!part.matches()) {
            return List.of(path);
        }
        int count = Integer.parseInt(part.group("count"));
        if (count < 1 || count > PARTS_MAX || !part.group("number").equals("00001")) {
            throw BadCheckpoint.mismatch(path + ": name", "part 00001 of at most " + PARTS_MAX, path);
        }
        List<String> parts = new ArrayList<>();
        for (int number = 1; number <= count; number++) {
            parts.add(String.format(Locale.ROOT, "%s-%05d-of-%05d%s", part.group("stem"), number, count, EXTENSION));
        }
        return parts;
    }
}
