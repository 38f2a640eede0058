package dev.trimtab.tokenizer;

import java.util.List;
import java.util.Optional;

/// The pre-tokenizers of `tokenizer.ggml.pre` that have no scanner of their own in
/// [dev.trimtab.tokenizer.text.PreTokenizer]: patterns, each cutting what the one before it left. The rules
/// are llama.cpp's (ggml-org/llama.cpp, src/llama-vocab.cpp), in the form that the models' own files have.
record NamedPatterns(List<String> names, List<String> patterns) {
    private static final String CONTRACTION = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
    private static final String WORD = "[^\\r\\n\\p{L}\\p{N}]?\\p{L}+";
    private static final String OTHERS = " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*";
    private static final String SPACES = "\\s+(?!\\S)|\\s+";
    private static final String TAIL = "\\s*[\\r\\n]+|" + SPACES;
    private static final String QWEN2 = CONTRACTION + "|" + WORD + "|\\p{N}|" + OTHERS + "|" + TAIL;
    private static final String UPPER = "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}%s]";
    private static final String LOWER = "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}%s]";

    /// Words of GPT-4o's kind, whose letters may be limited by `%s`.
    private static final String CASED = "[^\\r\\n\\p{L}\\p{N}]?" + UPPER + "*" + LOWER + "+" + CONTRACTION
            + "?|[^\\r\\n\\p{L}\\p{N}]?" + UPPER + "+" + LOWER + "*" + CONTRACTION + "?";

    private static final String HAN_AND_KANA = "[\\x{4E00}-\\x{9FA5}\\x{3040}-\\x{309F}\\x{30A0}-\\x{30FF}]+";
    private static final String DEEPSEEK3 = "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+"
            + "|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|" + TAIL;

    /// All but white space and the marks that end clauses.
    private static final String BLOOM = " ?[^(\\s|.,!?\\x{2026}\\x{3002}\\x{FF0C}\\x{3001}\\x{964}\\x{6D4}\\x{60C})]+";

    /// The letters with case that DeepSeek-LLM's pattern lists.
    private static final String CASED_LETTERS = "A-Za-z\\x{B5}\\x{C0}-\\x{D6}\\x{D8}-\\x{F6}\\x{F8}-\\x{1BA}"
            + "\\x{1BC}-\\x{1BF}\\x{1C4}-\\x{293}\\x{295}-\\x{2AF}\\x{370}-\\x{373}\\x{376}\\x{377}"
            + "\\x{37B}-\\x{37D}\\x{37F}\\x{386}\\x{388}-\\x{38A}\\x{38C}\\x{38E}-\\x{3A1}\\x{3A3}-\\x{3F5}"
            + "\\x{3F7}-\\x{481}\\x{48A}-\\x{52F}\\x{531}-\\x{556}\\x{10A0}-\\x{10C5}\\x{13A0}-\\x{13F5}"
            + "\\x{13F8}-\\x{13FD}\\x{1C90}-\\x{1CBA}\\x{1CBD}-\\x{1CBF}\\x{1D00}-\\x{1D2B}\\x{1D6B}-\\x{1D77}"
            + "\\x{1D79}-\\x{1D9A}\\x{1E00}-\\x{1F15}\\x{1F18}-\\x{1F1D}\\x{1F20}-\\x{1F45}\\x{1F48}-\\x{1F4D}"
            + "\\x{1F50}-\\x{1F57}\\x{1F59}\\x{1F5B}\\x{1F5D}\\x{1F5F}-\\x{1F7D}\\x{1F80}-\\x{1FB4}"
            + "\\x{1FB6}-\\x{1FBC}\\x{1FBE}\\x{1FC2}-\\x{1FC4}\\x{1FC6}-\\x{1FCC}\\x{1FD0}-\\x{1FD3}"
            + "\\x{1FD6}-\\x{1FDB}\\x{1FE0}-\\x{1FEC}\\x{1FF2}-\\x{1FF4}\\x{1FF6}-\\x{1FFC}\\x{2102}\\x{2107}"
            + "\\x{210A}-\\x{2113}\\x{2115}\\x{2119}-\\x{211D}\\x{2124}\\x{2126}\\x{2128}\\x{212A}-\\x{212D}"
            + "\\x{212F}-\\x{2134}\\x{2139}\\x{213C}-\\x{213F}\\x{2145}-\\x{2149}\\x{214E}\\x{2183}\\x{2184}"
            + "\\x{2C00}-\\x{2C7B}\\x{2C7E}-\\x{2CE4}\\x{2CEB}-\\x{2CEE}\\x{2CF2}\\x{2CF3}\\x{A640}-\\x{A66D}"
            + "\\x{A680}-\\x{A69B}\\x{A722}-\\x{A76F}\\x{A771}-\\x{A787}\\x{A78B}-\\x{A78E}\\x{AB70}-\\x{ABBF}"
            + "\\x{FB00}-\\x{FB06}\\x{FB13}-\\x{FB17}\\x{FF21}-\\x{FF3A}\\x{FF41}-\\x{FF5A}\\x{10400}-\\x{1044F}"
            + "\\x{104B0}-\\x{104D3}\\x{104D8}-\\x{104FB}\\x{10C80}-\\x{10CB2}\\x{10CC0}-\\x{10CF2}"
            + "\\x{118A0}-\\x{118DF}\\x{1E900}-\\x{1E943}";

    private static final List<NamedPatterns> TABLE = List.of(
            of(
                    "deepseek-llm",
                    "[\\r\\n]",
                    "\\s?[" + CASED_LETTERS + "]+",
                    "\\s?[!-/:-~\\x{FF01}-\\x{FF0F}\\x{FF1A}-\\x{FF5E}\\x{2018}-\\x{201F}\\x{3000}-\\x{3002}]+",
                    "\\s+$",
                    "[\\x{800}-\\x{9FA5}\\x{AC00}-\\x{D7FF}]+",
                    "\\p{N}+"),
            new NamedPatterns(List.of("poro-chat", "bloom", "gpt3-finnish"), List.of(BLOOM)),
            of("viking", BLOOM, "\\p{N}"),
            of("superbpe", "\\p{N}+", "(?=(\\d{3})+(?!\\d))"),
            of("seed-coder", CONTRACTION + "|" + WORD + "|\\p{N}| ?[^\\s\\p{L}\\p{N}\\r\\n]+|" + TAIL),
            of("ufakzeka", WORD + "|\\p{N}|" + OTHERS + "|" + TAIL),
            of("laguna", "[^\\n]+|[\\n]+", QWEN2),
            of(
                    "jais-2",
                    CONTRACTION + "|" + WORD + "|\\p{N}{1,3}|" + OTHERS + "|\\s*[\\r\\n]+|\\s{512}(?!\\S)"
                            + "|\\s{256}(?!\\S)|\\s{128}(?!\\S)|\\s{64}(?!\\S)|\\s{32}(?!\\S)|\\s{16}(?!\\S)"
                            + "|\\s{8}(?!\\S)|\\s{4}(?!\\S)|\\s{1,2}(?!\\S)|\\s{1}"),
            of(
                    "exaone-moe",
                    CONTRACTION + "|[^\\r\\n\\p{L}\\p{N}]?(?:\\p{L}\\p{M}*(?: \\p{L}\\p{M}*)*)+|\\p{N}"
                            + "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]?|\\s*[\\r\\n]|" + SPACES),
            of(
                    "kimi-k2",
                    "[\\p{Han}]+|" + CASED.replace("%s", "&&[^\\p{Han}]") + "|\\p{N}{1,3}|" + OTHERS + "|" + TAIL),
            new NamedPatterns(
                    List.of("tiny_aya", "cohere2moe"),
                    List.of(
                            "\\d{1,3}(?=(?:\\d{3})*\\b)",
                            CASED.replace("%s", "") + "|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|" + TAIL)),
            of(
                    "youtu",
                    "[\\x{AC00}-\\x{D7A3}\\x{3131}-\\x{318E}]+|[\\x{FF01}\\x{2026}\\x{201C}\\x{201D}\\x{2018}"
                            + "\\x{2019}\\x{2014}\\x{FF1A}\\x{FF1B}\\x{FF0C}\\x{3001}-\\x{303F}\\x{FE30}-\\x{FE4F}]+"
                            + "|[\\x{3105}-\\x{312F}]+|" + HAN_AND_KANA,
                    CASED.replace("%s", "") + "|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|" + TAIL),
            of(
                    "afmoe",
                    // Digits in threes, counted from the end.
                    "\\p{N}{1,3}(?=(?:\\p{N}{3})*(?!\\p{N}))",
                    "[\\x{4E00}-\\x{9FFF}\\x{3400}-\\x{4DBF}\\x{F900}-\\x{FAFF}\\x{3040}-\\x{309F}"
                            + "\\x{30A0}-\\x{30FF}\\x{FF65}-\\x{FF9F}\\x{2F00}-\\x{2FDF}\\x{E40}-\\x{E7F}"
                            + "\\x{E80}-\\x{EFF}\\x{1780}-\\x{17FF}\\x{1000}-\\x{109F}\\x{AA60}-\\x{AA7F}"
                            + "\\x{A9E0}-\\x{A9FF}\\x{AC00}-\\x{D7AF}\\x{1100}-\\x{11FF}]+",
                    DEEPSEEK3));

    private static NamedPatterns of(String name, String... patterns) {
        return new NamedPatterns(List.of(name), List.of(patterns));
    }

    static Optional<NamedPatterns> named(String name) {
        return TABLE.stream().filter(row -> row.names.contains(name)).findFirst();
    }

    /// Every name there is.
    static List<String> allNames() {
        return TABLE.stream().flatMap(row -> row.names.stream()).toList();
    }
}
