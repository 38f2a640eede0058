package dev.trimtab.tokenizer.text;

import java.util.List;
import java.util.Optional;

/// How a text is cut into words before byte pairs are merged: a list of patterns, each cutting what
/// the one before it left. One row of a table for every rule; the names are those of
/// `tokenizer.ggml.pre`.
///
/// The rules are those of the models' own tokenizers, as llama.cpp lists them
/// (ggml-org/llama.cpp, src/llama-vocab.cpp); where its rewriting for `std::regex` loses something (it
/// drops marks from GPT-4o's words) the model's own rule stands here.
public final class PreTokenizer {
    /// What a rule says beyond cutting.
    public enum Manner {
        PLAIN,
        /// Prompts begin with BOS unless the file says otherwise.
        WITH_BOS,
        /// In addition, a word that is a token becomes it, even where merging would not arrive there.
        WHOLE_WORDS_WITH_BOS
    }

    /// Takes the words of a text, in order: bytes `start` to before `end`.
    public interface Words {
        void accept(int start, int end);
    }

    private static final List<PreTokenizer> TABLE = List.of(
            // What llama.cpp applies to a file that names no pre-tokenizer.
            new PreTokenizer(
                    List.of("default", ""),
                    Manner.PLAIN,
                    Splitter.of(Run.of(CodePointSet.PUNCTUATION.or(CodePointSet.of(CharacterKind.ASCII_SYMBOL)))),
                    Patterns.GPT2,
                    Splitter.of(Run.of(CodePointSet.NUMBER)),
                    Patterns.THREE_DIGITS),
            new PreTokenizer(
                    List.of(
                            "gpt-2",
                            "phi-2",
                            "olmo",
                            "mpt",
                            "jais",
                            "gigachat",
                            "a.x-4.0",
                            "mellum",
                            "exaone4",
                            "trillion"),
                    Manner.PLAIN,
                    Patterns.GPT2),
            new PreTokenizer(
                    List.of("jina-es", "jina-de", "jina-v2-es", "jina-v2-de", "modern-bert", "granite-docling"),
                    Manner.PLAIN,
                    Patterns.GPT2),
            new PreTokenizer(
                    List.of(
                            "smollm",
                            "starcoder",
                            "refact",
                            "command-r",
                            "codeshell",
                            "exaone",
                            "minerva-7b",
                            "mellum2"),
                    Manner.PLAIN,
                    Patterns.SINGLE_DIGITS,
                    Patterns.GPT2),
            new PreTokenizer(
                    List.of("llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2"),
                    Manner.WHOLE_WORDS_WITH_BOS,
                    Patterns.words(CodePointSet.LETTER, 3)),
            new PreTokenizer(
                    List.of("dbrx", "smaug-bpe", "chatglm-bpe", "glm4"),
                    Manner.PLAIN,
                    Patterns.words(CodePointSet.LETTER, 3)),
            new PreTokenizer(
                    List.of("qwen2", "deepseek-r1-qwen", "stablelm2", "megrez", "kormo", "hunyuan", "grok-2"),
                    Manner.PLAIN,
                    Patterns.words(CodePointSet.LETTER, 1)),
            new PreTokenizer(
                    List.of("bailingmoe", "bailingmoe2", "llada-moe", "f2llmv2", "solar-open"),
                    Manner.PLAIN,
                    Patterns.words(CodePointSet.LETTER, 1)),
            new PreTokenizer(
                    List.of("qwen35"), Manner.PLAIN, Patterns.words(CodePointSet.LETTER.or(CodePointSet.MARK), 1)),
            new PreTokenizer(
                    List.of("falcon"),
                    Manner.PLAIN,
                    Splitter.of(Run.of(CodePointSet.PUNCTUATION.or(CodePointSet.ASCII_SYMBOL))),
                    Patterns.GPT2,
                    Patterns.THREE_DIGITS),
            new PreTokenizer(
                    List.of("deepseek-coder"),
                    Manner.PLAIN,
                    Splitter.of(Run.of(CodePointSet.NEWLINE, 1, 1)),
                    Splitter.of(Run.prefixed(CodePointSet.WHITESPACE, CodePointSet.LETTER)),
                    Splitter.of(Run.prefixed(CodePointSet.WHITESPACE, CodePointSet.PUNCTUATION)),
                    // `[一-龥ࠀ-一가-퟿]+`
                    Splitter.of(Run.of(CodePointSet.ranges(0x0800, 0x9FA5, 0xAC00, 0xD7FF))),
                    Patterns.SINGLE_DIGITS),
            new PreTokenizer(
                    List.of("deepseek-v3", "hunyuan-dense", "joyai-llm", "hy_v4"),
                    Manner.PLAIN,
                    Splitter.of(Run.of(CodePointSet.NUMBER, 1, 3)),
                    Splitter.of(Run.of(CodePointSet.of(CharacterKind.HAN).or(CodePointSet.KANA))),
                    Patterns.DEEPSEEK_WORDS),
            new PreTokenizer(
                    List.of("gpt-4o", "llama4", "kanana2", "minimax-m2", "talkie"),
                    Manner.PLAIN,
                    Patterns.casedWords(Patterns.CasedWord.Ending.CONTRACTION, 3)),
            new PreTokenizer(
                    List.of("tekken"),
                    Manner.WHOLE_WORDS_WITH_BOS,
                    Patterns.casedWords(Patterns.CasedWord.Ending.NOTHING, 1)),
            new PreTokenizer(
                    List.of("chameleon"),
                    Manner.WITH_BOS,
                    // `([\t\n]|    |  )`
                    Splitter.of(
                            Run.of(CodePointSet.of(CharacterKind.TAB, CharacterKind.LINE_FEED), 1, 1),
                            Run.of(CodePointSet.SPACE, 4, 4),
                            Run.of(CodePointSet.SPACE, 2, 2)),
                    Patterns.SINGLE_DIGITS,
                    Splitter.of(Run.of(CodePointSet.PUNCTUATION.or(CodePointSet.ASCII_SYMBOL), 1, 1)),
                    Patterns.GPT2));

    private final List<String> names;
    private final Manner manner;
    private final Splitter[] splitters;

    private PreTokenizer(List<String> names, Manner manner, Splitter... splitters) {
        this.names = names;
        this.manner = manner;
        this.splitters = splitters;
    }

    public static Optional<PreTokenizer> named(String name) {
        for (PreTokenizer preTokenizer : TABLE) {
            if (preTokenizer.names.contains(name)) {
                return Optional.of(preTokenizer);
            }
        }
        return Optional.empty();
    }

    public Manner manner() {
        return manner;
    }

    /// Cuts `text` into words, which together are all of it.
    public void split(Utf8Text text, Words words) {
        split(text, 0, text.length(), 0, words);
    }

    private void split(Utf8Text text, int start, int end, int stage, Words words) {
        if (stage == splitters.length) {
            words.accept(start, end);
            return;
        }
        int gap = start;
        int position = start;
        while (position < end) {
            int match = splitters[stage].match(text, position, end);
            if (match == Alternative.NO_MATCH) {
                position = text.next(position);
                continue;
            }
            if (gap < position) {
                split(text, gap, position, stage + 1, words);
            }
            split(text, position, match, stage + 1, words);
            position = match;
            gap = match;
        }
        if (gap < end) {
            split(text, gap, end, stage + 1, words);
        }
    }
}
