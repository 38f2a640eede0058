package dev.trimtab.checkpoint.vocabulary;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trimtab.checkpoint.JsonTree;
import dev.trimtab.error.BadCheckpoint;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The JSON files of a model folder whose vocabulary keeps the tokens 0, 1, 2, 4, 6 and 8.
class TokenizerFilesTest {
    private static final KeptTokens KEPT = new KeptTokens(0, 1, 2, 4, 6, 8);

    private static final String BPE = """
            {"version": "1.0", "truncation": null,
             "padding": {"pad_id": 8, "pad_token": "<pad>"},
             "added_tokens": [{"id": 6, "content": "<s>", "special": true}, {"id": 7, "content": "<pad>"}],
             "post_processor": {"type": "Sequence", "processors": [
               {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}],
                "special_tokens": {"<s>": {"id": "<s>", "ids": [6], "tokens": ["<s>"]}}},
               {"type": "RobertaProcessing", "sep": ["<s>", 6], "cls": ["c", 2]}]},
             "model": {"type": "BPE", "unk_token": "b", "dropout": null,
              "vocab": {"a": 0, "b": 1, "c": 2, "ab": 3, "bc": 4, "abc": 5, "<pad>": 8},
              "merges": ["a b", ["b", "c"], "ab c", "a bc"]}}
            """;

    private static Map<?, ?> shrunk(String json) {
        return JsonTree.parse("test", TokenizerFile.of("test", json).shrunk(KEPT));
    }

    private static Map<?, ?> model(Map<?, ?> file) {
        return file.get("model") instanceof Map<?, ?> model ? model : Map.of();
    }

    @Test
    void shrinksBytePairFiles() {
        Map<?, ?> file = shrunk(BPE);

        Map<?, ?> model = model(file);
        assertThat(model.get("vocab")).isEqualTo(Map.of("a", 0L, "b", 1L, "c", 2L, "bc", 3L, "<pad>", 5L));
        assertThat(model.get("merges")).isEqualTo(List.of(List.of("b", "c")));
        assertThat(file.get("padding")).isEqualTo(Map.of("pad_id", 5L, "pad_token", "<pad>"));
        assertThat(file.get("added_tokens"))
                .isEqualTo(List.of(
                        Map.of("id", 4L, "content", "<s>", "special", true), Map.of("id", 5L, "content", "<pad>")));
        assertThat(file.toString())
                .contains("{id=<s>, ids=[4], tokens=[<s>]}", "sep=[<s>, 4]", "cls=[c, 2]", "{id=<s>, type_id=0}")
                .contains("truncation=null", "dropout=null");
    }

    @Test
    void namesWhatMustStay() {
        assertThat(TokenizerFile.of("test", BPE).named().stream()).containsExactly(1, 2, 6, 8);
    }

    @Test
    void shrinksUnigramFiles() {
        String rows = "[\"<unk>\", 0.0], [\"a\", -1.5], [\"b\", -2], [\"c\", -3], [\"d\", -4]";

        Map<?, ?> model =
                model(shrunk("{\"model\": {\"type\": \"Unigram\", \"unk_id\": 2, \"vocab\": [" + rows + "]}}"));

        assertThat(model.get("unk_id")).isEqualTo(2L);
        assertThat(model.get("vocab"))
                .isEqualTo(List.of(List.of("<unk>", 0.0), List.of("a", -1.5), List.of("b", -2L), List.of("d", -4L)));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "[]",
                "{",
                "{\"model\": {\"vocab\": {\"a\": \"b\"}}}",
                "{\"model\": {\"vocab\": {\"a\": -1}}}",
                "{\"model\": {\"vocab\": [1]}}",
                "{\"added_tokens\": [{\"id\": 4294967296, \"content\": \"a\"}]}",
                "{\"padding\": {\"pad_id\": -7}}",
            })
    void refusesWhatIsNoTokenizer(String json) {
        assertThatThrownBy(() -> TokenizerFile.of("test", json).named())
                .isInstanceOf(BadCheckpoint.class)
                .hasMessageContaining("test: tokenizer.json");
    }

    @Test
    void renamesIdsInConfigurations() {
        String json = """
                {"bos_token_id": 6, "eos_token_id": [6, 3, 8], "pad_token_id": 5, "forced_eos_token_id": null,
                 "suppress_tokens": [-1, 2, 3], "bad_words_ids": [[4], [4, 5], [6, 8]],
                 "forced_decoder_ids": [[1, 6]], "temperature": 0.6, "vocab_size": 9,
                 "added_tokens_decoder": {"6": {"content": "<s>"}, "7": {"content": "gone"}}}
                """;

        Map<?, ?> file = JsonTree.parse("test", ConfigIds.renamed("test", json, KEPT));

        assertThat(file.get("bos_token_id")).isEqualTo(4L);
        assertThat(file.get("eos_token_id")).isEqualTo(List.of(4L, 5L));
        assertThat(file.get("pad_token_id")).isNull();
        assertThat(file.get("suppress_tokens")).isEqualTo(List.of(-1L, 2L));
        assertThat(file.get("bad_words_ids")).isEqualTo(List.of(List.of(3L), List.of(4L, 5L)));
        assertThat(file.get("forced_decoder_ids")).isEqualTo(List.of(List.of(1L, 4L)));
        assertThat(file.get("temperature")).isEqualTo(0.6);
        assertThat(file.get("vocab_size")).isEqualTo(9L);
        assertThat(file.get("added_tokens_decoder")).isEqualTo(Map.of("4", Map.of("content", "<s>")));
    }
}
