package dev.trimtab.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.trimtab.SharedData;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/// llama.cpp's own tokenizer tests, id for id.
class GgmlVocabTest {
    private static final String FOLDER = "vectors/tokenizers/ggml-vocab/ggml-vocab-";

    static Stream<Arguments> tokenizers() {
        return Stream.of(
                Arguments.of("gpt-2", gguf("gpt-2")),
                Arguments.of("llama-spm", gguf("llama-spm")),
                Arguments.of("llama-bpe", (Supplier<Tokenizer>) Vocabularies::llama3),
                Arguments.of("qwen2", (Supplier<Tokenizer>) () -> Vocabularies.qwen2("qwen2")),
                Arguments.of("deepseek-r1-qwen", (Supplier<Tokenizer>) () -> Vocabularies.qwen2("deepseek-r1-qwen")),
                Arguments.of("falcon", gguf("falcon")),
                Arguments.of("refact", gguf("refact")),
                Arguments.of("deepseek-coder", gguf("deepseek-coder")),
                Arguments.of("phi-3", gguf("phi-3")),
                Arguments.of("gpt-2", (Supplier<Tokenizer>) GgmlVocabTest::gpt2Json),
                Arguments.of("phi-3", json("phi3")),
                Arguments.of("llama-spm", sentencePiece("llama2/tokenizer.model")));
    }

    private static Supplier<Tokenizer> json(String folder) {
        return () -> Vocabularies.huggingFace(SharedData.path("vectors/tokenizers/" + folder + "/tokenizer.json"));
    }

    /// The file is Phi-2's: GPT-2's with tokens for runs of spaces, which are taken out here.
    private static Tokenizer gpt2Json() {
        ObjectNode json = (ObjectNode) Vocabularies.tree(SharedData.path("vectors/tokenizers/gpt2/tokenizer.json"));
        json.remove("added_tokens");
        return Vocabularies.huggingFace(json.toString());
    }

    private static Supplier<Tokenizer> sentencePiece(String model) {
        return () -> Vocabularies.sentencePiece("vectors/tokenizers/" + model);
    }

    private static Set<String> with(Set<String> tested, Set<String> others) {
        assertThat(tested).doesNotContainAnyElementsOf(others);
        return Stream.concat(tested.stream(), others.stream()).collect(Collectors.toSet());
    }

    private static Supplier<Tokenizer> gguf(String name) {
        return () -> Vocabularies.gguf(FOLDER + name + ".gguf");
    }

    /// The vocabularies of these are nowhere in the data, so their cases do not count.
    private static final Map<String, String> DO_NOT_COUNT = Map.of(
            "command-r", "no vocabulary of Command-R is there",
            "chameleon", "no vocabulary of Chameleon is there");

    @Test
    void knowsWhyACaseDoesNotCount() throws IOException {
        Set<String> tested =
                tokenizers().map(arguments -> (String) arguments.get()[0]).collect(Collectors.toSet());
        Set<String> found;
        try (Stream<Path> files = Files.list(SharedData.path("vectors/tokenizers/ggml-vocab"))) {
            found = files.map(path -> path.getFileName().toString())
                    .filter(name -> name.endsWith(".inp"))
                    .map(name -> name.replaceAll("ggml-vocab-|\\.gguf\\.inp", ""))
                    .collect(Collectors.toSet());
        }

        assertThat(found).isEqualTo(with(tested, DO_NOT_COUNT.keySet()));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("tokenizers")
    void encodesAsLlamaCppAndDecodesAgain(String name, Supplier<Tokenizer> source) {
        Tokenizer tokenizer = source.get();
        List<String> inputs = inputs(name);
        List<int[]> outputs = outputs(name);

        assertThat(inputs).hasSameSizeAs(outputs).hasSizeGreaterThan(40);
        SoftAssertions softly = new SoftAssertions();
        for (int i = 0; i < inputs.size(); i++) {
            int[] ids = tokenizer.encode(inputs.get(i), Tokenizer.ControlTokens.AS_TEXT);
            softly.assertThat(ids).as("ids of '%s'", inputs.get(i)).containsExactly(outputs.get(i));
            softly.assertThat(tokenizer.decode(ids)).as("text").isEqualTo(inputs.get(i));
        }
        softly.assertAll();
    }

    private static List<String> inputs(String name) {
        String text = Vocabularies.text(SharedData.path(FOLDER + name + ".gguf.inp"));
        List<String> inputs = new ArrayList<>(List.of(text.split("\n__ggml_vocab_test__\n", -1)));
        String last = inputs.removeLast();
        if (!last.isEmpty()) {
            inputs.add(last.substring(0, last.length() - 1));
        }
        return inputs;
    }

    private static List<int[]> outputs(String name) {
        List<int[]> outputs = new ArrayList<>();
        for (String line : Vocabularies.text(SharedData.path(FOLDER + name + ".gguf.out"))
                .stripTrailing()
                .split("\n", -1)) {
            outputs.add(Stream.of(line.trim().split(" +"))
                    .filter(id -> !id.isEmpty())
                    .mapToInt(Integer::parseInt)
                    .toArray());
        }
        return outputs;
    }
}
