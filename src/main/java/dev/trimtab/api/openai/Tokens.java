package dev.trimtab.api.openai;

import dev.trimtab.api.http.Exchange;
import dev.trimtab.api.http.Fields;
import dev.trimtab.api.http.Fields.Default;
import dev.trimtab.api.http.JsonWriter;
import dev.trimtab.error.InvalidRequest;
import dev.trimtab.error.NotFound;
import dev.trimtab.tokenizer.Tokenizer;
import dev.trimtab.tokenizer.Tokenizer.ControlTokens;
import dev.trimtab.tokenizer.Vocabulary;
import dev.trimtab.variant.Prompts;
import dev.trimtab.variant.Variant;
import dev.trimtab.variant.adapter.AdapterDirectory;
import java.util.Arrays;
import java.util.List;

/// `POST /tokenize` and `POST /detokenize`, in vLLM's form. `model` may be left out: the first one served is
/// meant.
final class Tokens {
    private final AdapterDirectory directory;

    Tokens(AdapterDirectory directory) {
        this.directory = directory;
    }

    void tokenize(Exchange exchange, byte[] body) {
        Fields fields = Fields.ofBody(body);
        Variant variant = variant(fields);
        int[] ids = ids(fields, variant);
        JsonWriter json = new JsonWriter(64 + 8 * ids.length).beginObject();
        json.name("count").value(ids.length).name("max_model_len").value(variant.contextLength());
        json.name("tokens").beginArray();
        for (int id : ids) {
            json.value(id);
        }
        json.endArray().name("token_strs");
        if (fields.flag("return_token_strs", Default.FALSE)) {
            writePieces(json, ids, variant.tokenizer().vocabulary());
        } else {
            json.value(null);
        }
        exchange.send(200, json.endObject().take());
    }

    void detokenize(Exchange exchange, byte[] body) {
        Fields fields = Fields.ofBody(body);
        Tokenizer tokenizer = variant(fields).tokenizer();
        if (!fields.contains("tokens")) {
            throw fields.missing("tokens", "an array of token ids");
        }
        List<?> tokens = fields.list("tokens", Integer.MAX_VALUE); // the body's limit bounds it
        int[] ids = Fields.ids(tokens, "tokens", tokenizer.vocabulary().size());
        JsonWriter json = new JsonWriter(64 + 8 * ids.length).beginObject();
        exchange.send(
                200, json.name("prompt").value(text(ids, tokenizer)).endObject().take());
    }

    private Variant variant(Fields fields) {
        return fields.findString("model")
                .map(directory::get)
                .or(() -> directory.variants().stream().findFirst())
                .orElseThrow(() -> new NotFound("no model is served yet"));
    }

    private static int[] ids(Fields fields, Variant variant) {
        if (fields.contains("messages")) {
            return RequestReader.chatPrompt(fields, variant);
        }
        if (!fields.contains("prompt")) {
            throw InvalidRequest.param("prompt", "prompt: a string, or messages, expected, found neither");
        }
        String prompt = fields.string("prompt");
        return fields.flag("add_special_tokens", Default.TRUE)
                ? Prompts.text(variant, prompt)
                : variant.tokenizer().encode(prompt, ControlTokens.PARSE);
    }

    private static void writePieces(JsonWriter json, int[] ids, Vocabulary vocabulary) {
        json.beginArray();
        for (int id : ids) {
            json.value(vocabulary.piece(id));
        }
        json.endArray();
    }

    // Control tokens stay visible, so that tokenizing the text again gives the same ids.
    private static String text(int[] ids, Tokenizer tokenizer) {
        StringBuilder text = new StringBuilder();
        int from = 0;
        for (int i = 0; i <= ids.length; i++) {
            boolean control = i < ids.length && tokenizer.vocabulary().isControl(ids[i]);
            if (control || i == ids.length) {
                text.append(tokenizer.decode(Arrays.copyOfRange(ids, from, i)));
                from = i + 1;
            }
            if (control) {
                text.append(tokenizer.vocabulary().piece(ids[i]));
            }
        }
        return text.toString();
    }
}
