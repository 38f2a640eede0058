package dev.trimtab.tokenizer.text;

/// What a pre-tokenizer can tell about a code point: its Unicode category, with the few characters
/// and blocks apart that some pre-tokenizer names.
///
/// Every character class of the patterns here is a union of kinds, so that a scanner tests a bit of
/// a mask instead of asking Unicode again.
public enum CharacterKind {
    /// U+0020 alone: the space that a word takes with it.
    SPACE,
    TAB,
    LINE_FEED,
    CARRIAGE_RETURN,
    /// The rest of Unicode's `White_Space`.
    OTHER_SPACE,
    ASCII_UPPER,
    ASCII_LOWER,
    /// `Lu` and `Lt` outside ASCII.
    UPPER,
    /// `Ll` outside ASCII.
    LOWER,
    /// `Lm` and `Lo`, which count as upper and as lower case.
    UNCASED,
    /// The ideographs 一 to 龥 (U+4E00 to U+9FA5).
    HAN,
    /// All other ideographs.
    HAN_RARE,
    /// Letters of the blocks Hiragana and Katakana (U+3040 to U+30FF); their other characters follow.
    KANA,
    KANA_MARK,
    KANA_PUNCTUATION,
    KANA_SYMBOL,
    KANA_OTHER,
    /// `M`.
    MARK,
    ASCII_DIGIT,
    /// `N` outside ASCII.
    NUMBER,
    APOSTROPHE,
    SLASH,
    /// `P` in ASCII, without the two above.
    ASCII_PUNCTUATION,
    PUNCTUATION,
    BACKTICK,
    /// `S` in ASCII, without the backtick.
    ASCII_SYMBOL,
    SYMBOL,
    /// Controls, formats, surrogates, private use, unassigned.
    OTHER;

    private static final byte[] BASIC_PLANE = basicPlane();

    /// Its bit in masks and its index in tables. They live in memory only, so the order of declaration
    /// may change.
    @SuppressWarnings("EnumOrdinal")
    byte number() {
        return (byte) ordinal();
    }

    /// The [#number()] of the kind of `codePoint`: a table look-up in the basic plane.
    static byte numberOf(int codePoint) {
        return codePoint < BASIC_PLANE.length
                ? BASIC_PLANE[codePoint]
                : compute(codePoint).number();
    }

    /// Whether every code point of this kind is in ASCII.
    boolean isAscii() {
        return switch (this) {
            case SPACE, TAB, LINE_FEED, CARRIAGE_RETURN, ASCII_UPPER, ASCII_LOWER, ASCII_DIGIT -> true;
            case APOSTROPHE, SLASH, ASCII_PUNCTUATION, BACKTICK, ASCII_SYMBOL -> true;
            case OTHER_SPACE, UPPER, LOWER, UNCASED, HAN, HAN_RARE, MARK, NUMBER -> false;
            case KANA, KANA_MARK, KANA_PUNCTUATION, KANA_SYMBOL, KANA_OTHER -> false;
            case PUNCTUATION, SYMBOL, OTHER -> false;
        };
    }

    private static byte[] basicPlane() {
        byte[] kinds = new byte[Character.MIN_SUPPLEMENTARY_CODE_POINT];
        for (int codePoint = 0; codePoint < kinds.length; codePoint++) {
            kinds[codePoint] = compute(codePoint).number();
        }
        return kinds;
    }

    private static CharacterKind compute(int codePoint) {
        if (isWhiteSpace(codePoint)) {
            return switch (codePoint) {
                case ' ' -> SPACE;
                case '\t' -> TAB;
                case '\n' -> LINE_FEED;
                case '\r' -> CARRIAGE_RETURN;
                default -> OTHER_SPACE;
            };
        }
        boolean ascii = codePoint < 0x80;
        boolean kana = codePoint >= 0x3040 && codePoint <= 0x30FF;
        return switch (Character.getType(codePoint)) {
            case Character.UPPERCASE_LETTER, Character.TITLECASE_LETTER -> ascii ? ASCII_UPPER : UPPER;
            case Character.LOWERCASE_LETTER -> ascii ? ASCII_LOWER : LOWER;
            case Character.MODIFIER_LETTER, Character.OTHER_LETTER -> kana ? KANA : letter(codePoint);
            case Character.NON_SPACING_MARK, Character.COMBINING_SPACING_MARK, Character.ENCLOSING_MARK ->
                kana ? KANA_MARK : MARK;
            case Character.DECIMAL_DIGIT_NUMBER, Character.LETTER_NUMBER, Character.OTHER_NUMBER ->
                ascii ? ASCII_DIGIT : NUMBER;
            case Character.CONNECTOR_PUNCTUATION,
                    Character.DASH_PUNCTUATION,
                    Character.START_PUNCTUATION,
                    Character.END_PUNCTUATION,
                    Character.INITIAL_QUOTE_PUNCTUATION,
                    Character.FINAL_QUOTE_PUNCTUATION,
                    Character.OTHER_PUNCTUATION -> kana ? KANA_PUNCTUATION : punctuation(codePoint);
            case Character.MATH_SYMBOL, Character.CURRENCY_SYMBOL, Character.MODIFIER_SYMBOL, Character.OTHER_SYMBOL ->
                kana ? KANA_SYMBOL : symbol(codePoint);
            default -> kana ? KANA_OTHER : OTHER;
        };
    }

    private static CharacterKind letter(int codePoint) {
        if (codePoint >= 0x4E00 && codePoint <= 0x9FA5) {
            return HAN;
        }
        return Character.isIdeographic(codePoint) ? HAN_RARE : UNCASED;
    }

    private static CharacterKind punctuation(int codePoint) {
        return switch (codePoint) {
            case '\'' -> APOSTROPHE;
            case '/' -> SLASH;
            default -> codePoint < 0x80 ? ASCII_PUNCTUATION : PUNCTUATION;
        };
    }

    private static CharacterKind symbol(int codePoint) {
        if (codePoint == '`') {
            return BACKTICK;
        }
        return codePoint < 0x80 ? ASCII_SYMBOL : SYMBOL;
    }

    /// Unicode's `White_Space`: what `\s` means in the patterns of tokenizers. Java's own questions
    /// leave out U+0085 or the no-break spaces.
    public static boolean isWhiteSpace(int codePoint) {
        return (codePoint >= '\t' && codePoint <= '\r') || codePoint == 0x85 || Character.isSpaceChar(codePoint);
    }
}
