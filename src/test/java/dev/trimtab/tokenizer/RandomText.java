package dev.trimtab.tokenizer;

import java.util.Random;

/// Texts full of what tokenizers stumble over.
public final class RandomText {
    private static final String[] PARTS = {
        "the",
        "Hello",
        "WORLD",
        "wOrLd",
        "can't",
        "I'LL",
        "we'Re",
        "'S",
        "'\u017f",
        "'",
        "''ll",
        "naïve",
        "ÀÉÎ",
        "Straße",
        "привет",
        "ФЫва",
        "Ελλάδα",
        "مرحبا",
        "नमस्ते",
        "हिन्दी",
        "ไทย",
        "កាន់តែ",
        "안녕",
        "こんにちは",
        "カタカナ",
        "漢字",
        "\u9fff",
        "ǅǆ",
        "ʰʱ",
        "ªº",
        "①Ⅷ²",
        "١٢٣",
        "1234567",
        "3.14",
        "e\u0301",
        "\u0301x",
        "a\u0308\u0323",
        "👍🏽",
        "👨‍👩‍👧‍👦",
        "🇩🇪",
        "☃️",
        "...",
        "!!!",
        "--",
        "``",
        "$+<=>^~|",
        "{}[]()/\\",
        "//",
        "http://a.b/c?d=e&f",
        "#hash",
        "_x_",
        "\u200b",
        "\u00ad",
        "\ufeff",
        "\u0000",
        "\u001b",
        "\u007f",
        "ﬁ",
        "℃",
        "゛・ー",
        "、。「」",
        "\ud800",
        "\udc00x",
        "\uffff"
    };
    private static final String[] SPACES = {
        " ", "  ", "   ", "\n", "\n\n", "\r\n", "\t", " \n", "\n ", "    ", "\u00a0", "\u3000", "\u2003 ", "\u000b",
        "\u0085"
    };

    private RandomText() {}

    public static String next(Random random) {
        StringBuilder text = new StringBuilder();
        int parts = random.nextInt(14);
        for (int i = 0; i < parts; i++) {
            switch (random.nextInt(10)) {
                case 0 -> text.append(SPACES[random.nextInt(SPACES.length)].repeat(1 + random.nextInt(4)));
                case 1 -> text.appendCodePoint(random.nextInt(Character.MAX_CODE_POINT + 1));
                case 2 -> text.append((char) random.nextInt(0x100));
                default -> text.append(PARTS[random.nextInt(PARTS.length)]);
            }
            if (random.nextInt(4) > 0) {
                text.append(SPACES[random.nextInt(SPACES.length)]);
            }
        }
        return text.toString();
    }

    /// `text` with U+FFFD for unpaired surrogates: what its tokens can give back.
    public static String wellFormed(String text) {
        StringBuilder result = new StringBuilder();
        text.codePoints()
                .map(codePoint -> codePoint >= 0xD800 && codePoint <= 0xDFFF ? 0xFFFD : codePoint)
                .forEach(result::appendCodePoint);
        return result.toString();
    }
}
