package dev.trimtab.tokenizer.huggingface;

import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.tokenizer.regex.Regex;
import dev.trimtab.tokenizer.text.ByteAlphabet;
import dev.trimtab.tokenizer.text.CharacterMap;
import dev.trimtab.tokenizer.text.Utf8Text;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.text.Normalizer.Form;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.function.IntPredicate;

/// Changes a text before it is cut: a row of `normalizer` in `tokenizer.json`.
///
/// `Precompiled` replaces the longest prefix that the map knows, as SentencePiece does; Hugging Face's program
/// asks for whole graphemes first.
@FunctionalInterface
public interface Normalizer {
    /// The one that changes nothing.
    Normalizer NONE = text -> text;

    String apply(String text);

    /// @throws BadCheckpoint when a field is missing or wrong
    /// @throws dev.trimtab.error.Unsupported for types that are not known
    static Normalizer of(Json json) {
        return switch (json.type()) {
            case "Sequence" ->
                sequence(json.get("normalizers").list().stream()
                        .map(Normalizer::of)
                        .toList());
            case "Prepend" -> prepend(json.text("prepend"));
            case "Replace" -> replace(Pattern.of(json.get("pattern")), json.text("content"));
            case "NFC" -> form(Form.NFC);
            case "NFD" -> form(Form.NFD);
            case "NFKC" -> form(Form.NFKC);
            case "NFKD" -> form(Form.NFKD);
            case "Lowercase" -> Normalizer::lowerCase;
            case "Strip" -> strip(json.flag("strip_left", true), json.flag("strip_right", true));
            case "StripAccents" -> text -> without(text, Normalizer::isAccent);
            case "Precompiled" -> precompiled(json.get("precompiled_charsmap"));
            case "ByteLevel" -> ByteAlphabet::spell;
            case "BertNormalizer" -> bert(json);
            default -> throw json.unsupported();
        };
    }

    private static Normalizer sequence(List<Normalizer> steps) {
        return text -> {
            String result = text;
            for (Normalizer step : steps) {
                result = step.apply(result);
            }
            return result;
        };
    }

    private static Normalizer prepend(String prefix) {
        return text -> text.isEmpty() ? text : prefix + text;
    }

    private static Normalizer replace(Pattern pattern, String content) {
        return text -> pattern.replace(text, content);
    }

    private static Normalizer form(Form form) {
        return text -> java.text.Normalizer.normalize(text, form);
    }

    /// Each code point by itself: a sigma at the end of a word is like any other.
    private static String lowerCase(String text) {
        StringBuilder lower = new StringBuilder(text.length());
        text.codePoints().forEach(codePoint -> {
            if (codePoint < 0x80) {
                lower.append((char) Character.toLowerCase(codePoint));
            } else {
                lower.append(Character.toString(codePoint).toLowerCase(Locale.ROOT));
            }
        });
        return lower.toString();
    }

    private static Normalizer strip(boolean left, boolean right) {
        Regex before = Regex.compile("^\\s+");
        Regex after = Regex.compile("\\s+\\z");
        return text -> {
            Regex.Search first = before.in(text);
            int start = left && first.findAt(0) ? first.end() : 0;
            Regex.Search last = after.in(text);
            int end = right && last.find(start) ? last.start() : text.length();
            return text.substring(start, end);
        };
    }

    private static boolean isAccent(int codePoint) {
        return Character.getType(codePoint) == Character.NON_SPACING_MARK;
    }

    private static String without(String text, IntPredicate dropped) {
        StringBuilder kept = new StringBuilder(text.length());
        text.codePoints().filter(dropped.negate()).forEach(kept::appendCodePoint);
        return kept.toString();
    }

    private static Normalizer precompiled(Json json) {
        byte[] bytes;
        try {
            bytes = Base64.getDecoder().decode(json.text());
        } catch (IllegalArgumentException e) {
            throw new BadCheckpoint(json.where() + ": not Base64: " + e.getMessage(), e);
        }
        CharacterMap map = CharacterMap.of(json.where(), bytes);
        return text -> {
            Utf8Text utf8 = Utf8Text.of(text, 0, text.length());
            ByteArrayOutputStream mapped = new ByteArrayOutputStream(utf8.length());
            for (int i = 0; i < utf8.length(); ) {
                CharacterMap.Mapping mapping = map.map(utf8, i);
                mapped.write(mapping.bytes(), mapping.start(), mapping.end() - mapping.start());
                i = mapping.next();
            }
            return mapped.toString(StandardCharsets.UTF_8);
        };
    }

    /// BERT's: controls dropped, white space made spaces, ideographs set apart, accents and case dropped.
    private static Normalizer bert(Json json) {
        boolean cleans = json.flag("clean_text", true);
        boolean spreads = json.flag("handle_chinese_chars", true);
        boolean lowers = json.flag("lowercase", true);
        boolean strips = json.flag("strip_accents", lowers);
        Pattern spaces = Pattern.regex("[\\s]");
        Pattern controls = Pattern.regex("[\\x00\\x{FFFD}]|(?![\\t\\n\\r])[\\p{C}]");
        Regex ideographs = Regex.compile("[\\x{4E00}-\\x{9FFF}\\x{3400}-\\x{4DBF}\\x{20000}-\\x{2A6DF}"
                + "\\x{2A700}-\\x{2B73F}\\x{2B740}-\\x{2B81F}\\x{2B920}-\\x{2CEAF}\\x{F900}-\\x{FAFF}"
                + "\\x{2F800}-\\x{2FA1F}]");
        return text -> {
            String result = cleans ? spaces.replace(controls.replace(text, ""), " ") : text;
            result = spreads ? spread(ideographs, result) : result;
            result = strips ? without(form(Form.NFD).apply(result), Normalizer::isAccent) : result;
            return lowers ? lowerCase(result) : result;
        };
    }

    private static String spread(Regex set, String text) {
        StringBuilder spread = new StringBuilder(text.length());
        Regex.Search search = set.in(text);
        int gap = 0;
        while (search.find(gap)) {
            spread.append(text, gap, search.start()).append(' ');
            spread.append(text, search.start(), search.end()).append(' ');
            gap = search.end();
        }
        return spread.append(text, gap, text.length()).toString();
    }
}
