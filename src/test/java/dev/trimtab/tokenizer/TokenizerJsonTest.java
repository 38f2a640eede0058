package dev.trimtab.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.trimtab.SharedData;
import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.checkpoint.Metadata;
import dev.trimtab.checkpoint.MetadataValue;
import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.TrimtabException;
import dev.trimtab.error.Unsupported;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// `tokenizer.json`, step by step, and against the programs that made the expected ids.
class TokenizerJsonTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Path DEMO_ENCODINGS = Path.of("src", "test", "resources", "tokenizer", "demo-encodings.jsonl");
    private static final Path DEMO = Path.of("src", "main", "resources", "models", "demo.gguf");

    /// Tokens for single letters, some words, and the unknown.
    private static final String VOCABULARY = "{\"<unk>\": 0, \"a\": 1, \"b\": 2, \"c\": 3, \"▁\": 4, \"ab\": 5, "
            + "\"▁a\": 6, \"1\": 7, \"2\": 8, \"é\": 9, \".\": 10, \"e\": 11, \"<0xC3>\": 12, \"<0xBC>\": 13}";

    private static String bpe(String steps, String more) {
        return "{" + steps + "\"model\": {\"type\": \"BPE\", \"vocab\": " + VOCABULARY
                + ", \"merges\": [\"a b\", [\"▁\", \"a\"]]" + more + "}}";
    }

    private static Tokenizer tokenizer(String steps, String more) {
        return Vocabularies.huggingFace(bpe(steps.isEmpty() ? "" : steps + ", ", more));
    }

    private static String pieces(Tokenizer tokenizer, String text) {
        return String.join(
                " ",
                IntStream.of(tokenizer.encode(text, Tokenizer.ControlTokens.PARSE))
                        .mapToObj(tokenizer.vocabulary()::piece)
                        .toList());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            ignoreLeadingAndTrailingWhitespace = false,
            value = {
                "{'type':'Prepend','prepend':'▁'};ab;▁ ab",
                "{'type':'Replace','pattern':{'String':'.'},'content':'a'};.b;ab",
                "{'type':'Replace','pattern':{'Regex':'[.12]+'},'content':'a'};12.b;ab",
                "{'type':'Lowercase'};AB;ab",
                "{'type':'Strip','strip_left':true,'strip_right':true};  ab ;ab",
                "{'type':'Strip','strip_left':false,'strip_right':true}; a ;<unk> a",
                "{'type':'NFC'};e\u0301;é",
                "{'type':'NFKC'};ａ①;a 1",
                "{'type':'Sequence','normalizers':[{'type':'NFD'},{'type':'StripAccents'}]};é;e",
                "{'type':'NFKD'};①;1",
                "{'type':'BertNormalizer'};É\u0000;e"
            })
    void normalizes(String normalizer, String text, String pieces) {
        String step = "\"normalizer\": " + normalizer.replace('\'', '"');

        assertThat(pieces(tokenizer(step, ", \"unk_token\": \"<unk>\""), text)).isEqualTo(pieces);
    }

    /// What words there are shows in which pairs merge: `ab` does within a word alone.
    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "{'type':'Split','pattern':{'Regex':'b'},'behavior':'Isolated'};ab;a b",
                "{'type':'Split','pattern':{'String':'.'},'behavior':'Removed'};a.b;a b",
                "{'type':'Split','pattern':{'Regex':'a'},'behavior':'Removed','invert':true};ab;a",
                "{'type':'Split','pattern':{'String':'a'},'behavior':'MergedWithPrevious'};bab;b a b",
                "{'type':'Split','pattern':{'String':'a'},'behavior':'MergedWithNext'};bab;b ab",
                "{'type':'Split','pattern':{'Regex':'[ab]'},'behavior':'Contiguous'};ab.ab;ab . ab",
                "{'type':'Split','pattern':{'Regex':'(?=b)'},'behavior':'Isolated'};ab;a b",
                "{'type':'Digits','individual_digits':true};ab12;ab 1 2",
                "{'type':'Punctuation'};ab.a;ab . a",
                "{'type':'Whitespace'};ab .a;ab . a",
                "{'type':'WhitespaceSplit'};a b;a b",
                "{'type':'BertPreTokenizer'};ab .;ab .",
                "{'type':'CharDelimiterSplit','delimiter':'.'};a.b;a b",
                "{'type':'Metaspace','replacement':'▁','prepend_scheme':'always'};ab a;▁ ab ▁a",
                "{'type':'Metaspace','prepend_scheme':'never'};ab a;ab ▁a",
                "{'type':'Metaspace','add_prefix_space':false,'split':false};ab a;ab ▁a",
                "{'type':'Sequence','pretokenizers':[{'type':'WhitespaceSplit'},{'type':'Metaspace'}]};a a;▁a ▁a",
                "{'type':'Sequence','pretokenizers':"
                        + "[{'type':'WhitespaceSplit'},{'type':'Metaspace','prepend_scheme':'first'}]};a a;▁a a"
            })
    void cutsWords(String cutter, String text, String pieces) {
        assertThat(pieces(tokenizer("\"pre_tokenizer\": " + cutter.replace('\'', '"'), ""), text))
                .isEqualTo(pieces);
    }

    @Test
    void fallsBackToBytesOrToTheUnknownTokenOrToNothing() {
        assertThat(pieces(tokenizer("", ""), "aüb")).isEqualTo("a b");
        assertThat(pieces(tokenizer("", ", \"unk_token\": \"<unk>\""), "xxa")).isEqualTo("<unk> <unk> a");
        assertThat(pieces(tokenizer("", ", \"unk_token\": \"<unk>\", \"fuse_unk\": true"), "xxa"))
                .isEqualTo("<unk> a");
        assertThat(pieces(tokenizer("", ", \"unk_token\": \"<unk>\", \"byte_fallback\": true"), "aü"))
                .isEqualTo("a <0xC3> <0xBC>");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            ignoreLeadingAndTrailingWhitespace = false,
            value = {
                "{'type':'Metaspace'};ab a",
                "{'type':'Metaspace','prepend_scheme':'never'}; ab a",
                "{'type':'Sequence','decoders':[{'type':'Replace','pattern':{'String':'▁'},'content':' '},"
                        + "{'type':'ByteFallback'},{'type':'Fuse'},{'type':'Strip','content':' ','start':1,'stop':0}]};"
                        + "ab a",
                "{'type':'Replace','pattern':{'Regex':'[▁]'},'content':'_'};_ab_a",
                "{'type':'Fuse'};▁ab▁a",
                "null;▁ab▁a"
            })
    void decodes(String decoder, String text) {
        Tokenizer tokenizer = tokenizer("\"decoder\": " + decoder.replace('\'', '"'), "");

        assertThat(tokenizer.decode(4, 5, 6)).isEqualTo(text);
    }

    @Test
    void findsAddedTokensInTheirManner() {
        String added = "\"added_tokens\": ["
                + "{\"id\": 20, \"content\": \"<s>\", \"special\": true},"
                + "{\"id\": 21, \"content\": \"<r>\", \"special\": true, \"rstrip\": true},"
                + "{\"id\": 22, \"content\": \"<l>\", \"special\": false, \"lstrip\": true},"
                + "{\"id\": 23, \"content\": \"cab\", \"single_word\": true}]";
        Tokenizer tokenizer = tokenizer(added, ", \"unk_token\": \"<unk>\"");

        assertThat(tokenizer.vocabulary().size()).isEqualTo(24);
        assertThat(pieces(tokenizer, "a<s>b<r>  a  <l>b")).isEqualTo("a <s> b <r> a <l> b");
        assertThat(pieces(tokenizer, "cab cab. cabc")).isEqualTo("cab <unk> cab . <unk> c ab c");
        assertThat(tokenizer.encode("<s>a<l>", Tokenizer.ControlTokens.AS_TEXT))
                .doesNotContain(20)
                .contains(22);
        assertThat(tokenizer.decode(20, 1, 22)).isEqualTo("a<l>");
    }

    @Test
    void addsWhatThePostProcessorAddsUnlessTheConfigurationSaysOtherwise() {
        String json = bpe(
                "\"post_processor\": {\"type\": \"Sequence\", \"processors\": [{\"type\": \"ByteLevel\"}, {\"type\": "
                        + "\"TemplateProcessing\", \"single\": [{\"SpecialToken\": {\"id\": \"c\", \"type_id\": 0}}, "
                        + "{\"Sequence\": {\"id\": \"A\", \"type_id\": 0}}, {\"SpecialToken\": {\"id\": \"e\"}}]}]}, ",
                "");
        Map<String, MetadataValue> values = new LinkedHashMap<>();
        values.put("tokenizer.huggingface.json", new MetadataValue.Text(json));

        assertThat(Vocabularies.tokenizer(values).encodePrompt("ab", Tokenizer.ControlTokens.PARSE))
                .containsExactly(3, 5, 11);

        values.put("tokenizer.ggml.add_bos_token", new MetadataValue.Flag(false));
        values.put("tokenizer.huggingface.eos_token", new MetadataValue.Text("b"));
        assertThat(Vocabularies.tokenizer(values).encodePrompt("a", Tokenizer.ControlTokens.PARSE))
                .containsExactly(1, 2);
    }

    @Test
    void readsUnigramModels() {
        Tokenizer tokenizer = Vocabularies.huggingFace("{\"pre_tokenizer\": {\"type\": \"Metaspace\"}, \"decoder\": "
                + "{\"type\": \"Metaspace\"}, \"model\": {\"type\": \"Unigram\", \"unk_id\": 0, \"vocab\": "
                + "[[\"<unk>\", 0],"
                + "[\"▁\", -1], [\"a\", -2], [\"b\", -2], [\"▁ab\", -2.5], [\"abb\", -9]]}}");

        assertThat(pieces(tokenizer, "ab abb x")).isEqualTo("▁ab ▁ab b ▁ <unk>");
        assertThat(tokenizer.decode(4, 4, 3)).isEqualTo("ab abb");
    }

    @Test
    void encodesTheDemosTextsAsHuggingFace() throws Exception {
        Tokenizer tokenizer = Vocabularies.huggingFace(demoJson());

        for (String line : Vocabularies.text(DEMO_ENCODINGS).lines().toList()) {
            JsonNode each = JSON.readTree(line);
            assertThat(tokenizer.encode(each.get("text").asText(), Tokenizer.ControlTokens.PARSE))
                    .as(each.get("text").asText())
                    .containsExactly(ids(each.get("ids")));
        }
    }

    /// The embedded model's vocabulary as its `tokenizer.json` has it.
    private static String demoJson() {
        try (Checkpoint checkpoint = Checkpoint.open(DEMO)) {
            Metadata metadata = checkpoint.metadata();
            List<String> tokens = metadata.strings("tokenizer.ggml.tokens");
            long[] types = metadata.integers("tokenizer.ggml.token_type");
            ObjectNode json = JSON.createObjectNode();
            ArrayNode added = json.putArray("added_tokens");
            ObjectNode cutters = json.putObject("pre_tokenizer").put("type", "Sequence");
            ArrayNode list = cutters.putArray("pretokenizers");
            list.addObject().put("type", "Digits").put("individual_digits", true);
            list.addObject().put("type", "ByteLevel").put("add_prefix_space", false);
            json.putObject("decoder").put("type", "ByteLevel");
            ObjectNode model = json.putObject("model").put("type", "BPE");
            ObjectNode vocab = model.putObject("vocab");
            ArrayNode merges = model.putArray("merges");
            metadata.strings("tokenizer.ggml.merges").forEach(merges::add);
            for (int id = 0; id < types.length; id++) {
                if (types[id] == 1) {
                    vocab.put(tokens.get(id), id);
                } else {
                    added.addObject()
                            .put("id", id)
                            .put("content", tokens.get(id))
                            .put("special", types[id] == 3);
                }
            }
            return json.toString();
        }
    }

    @Test
    void agreesWithTheGgufOfTheSameModels() {
        Tokenizer demo = Vocabularies.huggingFace(SharedData.path("models/demo/hf/tokenizer.json"));
        Tokenizer gguf = Vocabularies.gguf("models/demo/trimtab-demo-4m-f16.gguf");
        String text =
                Vocabularies.text(SharedData.path("models/demo/chats.txt")).substring(0, 200_000);

        int[] ids = demo.encode(text, Tokenizer.ControlTokens.PARSE);
        assertThat(ids).isEqualTo(gguf.encode(text, Tokenizer.ControlTokens.PARSE));
        assertThat(demo.decode(ids)).isEqualTo(gguf.decode(ids));
        for (int id = 0; id < gguf.vocabulary().size(); id++) {
            assertThat(demo.vocabulary().kind(id)).isEqualTo(gguf.vocabulary().kind(id));
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "[]",
                "{}",
                "{\"model\": 3}",
                "{\"model\": {\"type\": \"BPE\"}}",
                "{\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": -1}, \"merges\": []}}",
                "{\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 99999999}, \"merges\": []}}",
                "{\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 0, \"b\": 0}, \"merges\": []}}",
                "{\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 0}, \"merges\": [\"a b\"]}}",
                "{\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 0}, \"merges\": [\"ab\"]}}",
                "{\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 0}, \"merges\": [[\"a\"]]}}",
                "{\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 0}, \"merges\": [], \"unk_token\": \"x\"}}",
                "{\"model\": {\"type\": \"Unigram\", \"vocab\": [[\"a\", 0]]}}",
                "{\"model\": {\"type\": \"Unigram\", \"unk_id\": 5, \"vocab\": [[\"a\", 0]]}}",
                "{\"model\": {\"type\": \"Unigram\", \"unk_id\": 0, \"vocab\": [[\"a\"]]}}",
                "{\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 0}, \"vocab\": {}, \"merges\": []}}"
            })
    void refusesWhatContradictsItself(String json) {
        assertThatThrownBy(() -> Vocabularies.huggingFace(json))
                .isInstanceOf(BadCheckpoint.class)
                .hasMessageContaining("test");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\"normalizer\": {\"type\": \"Nonsense\"}",
                "\"pre_tokenizer\": {\"type\": \"Nonsense\"}",
                "\"pre_tokenizer\": {\"type\": \"Split\", \"pattern\": {\"String\": \"a\"}, "
                        + "\"behavior\": \"Nonsense\"}",
                "\"pre_tokenizer\": {\"type\": \"Metaspace\", \"prepend_scheme\": \"Nonsense\"}",
                "\"decoder\": {\"type\": \"Nonsense\"}",
                "\"decoder\": {\"type\": \"Strip\", \"start\": 2, \"stop\": 0}",
                "\"post_processor\": {\"type\": \"Nonsense\"}"
            })
    void refusesStepsItDoesNotKnowByName(String step) {
        assertThatThrownBy(() -> tokenizer(step, ""))
                .isInstanceOf(Unsupported.class)
                .hasMessageContaining("not")
                .hasMessageContaining(step.substring(1, step.indexOf('"', 1)));
        assertThatThrownBy(() -> Vocabularies.huggingFace("{\"model\": {\"type\": \"WordPiece\", \"vocab\": {}}}"))
                .isInstanceOf(Unsupported.class)
                .hasMessageContaining("WordPiece");
    }

    /// Every cut of a valid file is refused by a failure with a name.
    @Test
    void refusesTruncatedFiles() {
        String json = bpe("\"normalizer\": {\"type\": \"NFC\"}, ", "");

        for (int length = 0; length < json.length(); length++) {
            String cut = json.substring(0, length);
            assertThatThrownBy(() -> Vocabularies.huggingFace(cut)).isInstanceOf(TrimtabException.class);
        }
    }

    private static int[] ids(JsonNode array) {
        return IntStream.range(0, array.size()).map(i -> array.get(i).asInt()).toArray();
    }
}
