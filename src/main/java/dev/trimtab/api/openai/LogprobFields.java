package dev.trimtab.api.openai;

import dev.trimtab.api.http.JsonWriter;
import dev.trimtab.engine.TokenEvent.Logprob;
import dev.trimtab.engine.TokenEvent.Logprobs;
import dev.trimtab.tokenizer.Detokenizer;
import dev.trimtab.tokenizer.Tokenizer;
import dev.trimtab.tokenizer.Vocabulary;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// The log probabilities of one choice as OpenAI's two endpoints spell them. Plain completions also say where
/// in the text a token begins, in code points, so that a choice's tokens must be written in order.
///
/// A token that is no text by itself (part of a character) is written as its bytes, `\xe2\x82`, as OpenAI
/// does; one without any is written as the vocabulary spells it.
final class LogprobFields {
    /// What stands for a probability of zero, whose logarithm JSON has no number for; OpenAI's choice.
    private static final float IMPOSSIBLE = -9999;

    private final Vocabulary vocabulary;
    private final Detokenizer detokenizer;
    private int offset;

    private LogprobFields(Vocabulary vocabulary, Detokenizer detokenizer) {
        this.vocabulary = vocabulary;
        this.detokenizer = detokenizer;
    }

    /// For a choice whose first token continues the prompt.
    static LogprobFields ofContinuation(Tokenizer tokenizer) {
        return new LogprobFields(tokenizer.vocabulary(), tokenizer.detokenizer());
    }

    /// For a choice that begins with the prompt's own tokens.
    static LogprobFields ofEcho(Tokenizer tokenizer) {
        return new LogprobFields(tokenizer.vocabulary(), tokenizer.detokenizerFromStart());
    }

    /// What there is to say of a token that nothing stands before.
    static Logprobs unscored(int token) {
        return new Logprobs(new Logprob(token, Float.NaN), List.of());
    }

    /// `content`, an object for each token.
    void chat(JsonWriter json, List<Logprobs> tokens) {
        json.beginObject().name("content").beginArray();
        for (Logprobs token : tokens) {
            openToken(json, token.chosen()).name("top_logprobs").beginArray();
            token.top().forEach(one -> openToken(json, one).endObject());
            json.endArray().endObject();
        }
        json.endArray().name("refusal").value(null).endObject();
    }

    private JsonWriter openToken(JsonWriter json, Logprob token) {
        Optional<String> text = text(token.token());
        json.beginObject()
                .name("token")
                .value(text.orElseGet(() -> escaped(token.token())))
                .name("logprob")
                .value(number(token))
                .name("bytes")
                .beginArray();
        for (byte b : bytes(token.token())) {
            json.value(b & 0xFF);
        }
        return json.endArray();
    }

    /// Four lists of one length.
    void text(JsonWriter json, List<Logprobs> tokens) {
        json.beginObject().name("tokens").beginArray();
        tokens.forEach(token -> json.value(key(token.chosen().token())));
        json.endArray().name("token_logprobs").beginArray();
        tokens.forEach(token -> json.value(number(token.chosen())));
        json.endArray().name("top_logprobs").beginArray();
        tokens.forEach(token -> top(json, token));
        json.endArray().name("text_offset").beginArray();
        for (Logprobs token : tokens) {
            json.value(offset);
            String text = detokenizer.accept(token.chosen().token());
            offset += text.codePointCount(0, text.length());
        }
        json.endArray().endObject();
    }

    /// The best tokens and, where it is not among them, the chosen one. Tokens of the same text share a key:
    /// the best of them has it.
    private void top(JsonWriter json, Logprobs token) {
        if (Float.isNaN(token.chosen().logprob())) {
            json.value(null);
            return;
        }
        Set<String> written = new HashSet<>();
        json.beginObject();
        for (Logprob one : token.top()) {
            if (written.add(key(one.token()))) {
                json.name(key(one.token())).value(number(one));
            }
        }
        if (written.add(key(token.chosen().token()))) {
            json.name(key(token.chosen().token())).value(number(token.chosen()));
        }
        json.endObject();
    }

    private static Object number(Logprob token) {
        return token.logprob() == Float.NEGATIVE_INFINITY ? IMPOSSIBLE : token.logprob();
    }

    private String key(int token) {
        return text(token).orElseGet(() -> "bytes:" + escaped(token));
    }

    private byte[] bytes(int token) {
        byte[] bytes = vocabulary.bytes(token);
        return bytes.length > 0 ? bytes : vocabulary.piece(token).getBytes(StandardCharsets.UTF_8);
    }

    private Optional<String> text(int token) {
        try {
            return Optional.of(StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes(token)))
                    .toString());
        } catch (CharacterCodingException e) {
            return Optional.empty();
        }
    }

    private String escaped(int token) {
        StringBuilder text = new StringBuilder();
        for (byte b : bytes(token)) {
            text.append(
                    b >= ' ' && b < 0x7F
                            ? Character.toString(b)
                            : "\\x" + HexFormat.of().toHexDigits(b));
        }
        return text.toString();
    }
}
