package dev.trimtab.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trimtab.tokenizer.huggingface.Piece;
import dev.trimtab.tokenizer.huggingface.PieceCutter;
import dev.trimtab.tokenizer.text.ByteAlphabet;
import dev.trimtab.tokenizer.text.PreTokenizer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/// The pre-tokenizers that are patterns.
class NamedPatternsTest {
    static List<String> names() {
        return NamedPatterns.allNames();
    }

    @ParameterizedTest
    @MethodSource("names")
    void areNamedOnceAndEncodeLosslessly(String name) {
        Tokenizer tokenizer = SmallVocabulary.byteLevel(name).tokenizer();
        String text = "It's 1234567 o'clock,\n\n  Straße 漢字 ひらがな 한국어 हिन्दी! \t…\u3000x";

        assertThat(PreTokenizer.named(name)).isEmpty();
        assertThat(names().stream().filter(name::equals)).hasSize(1);
        assertThat(tokenizer.decode(tokenizer.encode(text, Tokenizer.ControlTokens.AS_TEXT)))
                .isEqualTo(text);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            ignoreLeadingAndTrailingWhitespace = false,
            value = {
                "deepseek-llm;hello| world|,|123|漢字",
                "bloom;hello| world|,| a'b12",
                "viking;ab|1|2",
                "superbpe;1|234|567",
                "seed-coder;ab|!?|\\n|1|2",
                "ufakzeka;Ankara|'da",
                "laguna;ab|\\n\\n| cd",
                "jais-2;a|    | b",
                "exaone-moe;a b c|1|2",
                "kimi-k2;漢字|Ab|字|123|4",
                "tiny_aya;1|234|567| ab",
                "cohere2moe;12|345",
                "youtu;한국|漢字|Ab|1|2",
                "afmoe;1|234|567|漢字|!ab"
            })
    void cutWords(String name, String words) {
        List<String> expected = List.of(words.replace("\\n", "\n").split("\\|"));
        PieceCutter cutter =
                PieceCutter.byteLevel(NamedPatterns.named(name).orElseThrow().patterns());
        List<String> cut = new ArrayList<>();

        cutter.cut(
                new Piece(String.join("", expected), true),
                piece -> cut.add(new String(ByteAlphabet.bytes(piece.text()), StandardCharsets.UTF_8)));

        assertThat(cut).isEqualTo(expected);
    }

    @Test
    void doNotKnowOtherNames() {
        assertThat(NamedPatterns.named("no such")).isEmpty();
    }
}
