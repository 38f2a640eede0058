package dev.trimtab.tokenizer;

import dev.trimtab.checkpoint.Metadata;
import dev.trimtab.tokenizer.text.CharacterMap;
import dev.trimtab.tokenizer.text.Utf8Text;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/// What SentencePiece does to a text before its unigram model: maps characters, writes spaces as `▁`, puts one
/// in front, and drops those too many.
final class SentencePieceNormalizer {
    private static final byte[] SPACE_MARK = "▁".getBytes(StandardCharsets.UTF_8);

    private final CharacterMap characterMap;
    private final boolean addsSpacePrefix;
    private final boolean mergesSpaces;

    /// @throws dev.trimtab.error.BadCheckpoint when the map is broken
    SentencePieceNormalizer(Metadata metadata, Vocabulary vocabulary) {
        characterMap = CharacterMap.of(metadata);
        addsSpacePrefix = vocabulary.addsSpacePrefix();
        mergesSpaces = metadata.flag("tokenizer.ggml.remove_extra_whitespaces", false);
    }

    byte[] normalize(Utf8Text text) {
        ByteArrayOutputStream normalized = new ByteArrayOutputStream(text.length() + SPACE_MARK.length);
        boolean afterSpace = mergesSpaces;
        boolean prefixed = !addsSpacePrefix;
        for (int i = 0; i < text.length(); ) {
            CharacterMap.Mapping mapping = characterMap.map(text, i);
            i = mapping.next();
            for (int k = mapping.start(); k < mapping.end(); k++) {
                boolean space = mapping.bytes()[k] == ' ';
                if (space && afterSpace && mergesSpaces) {
                    continue;
                }
                if (!prefixed) {
                    prefixed = true;
                    normalized.writeBytes(SPACE_MARK);
                }
                if (space) {
                    normalized.writeBytes(SPACE_MARK);
                } else {
                    normalized.write(mapping.bytes()[k]);
                }
                afterSpace = space;
            }
        }
        byte[] bytes = normalized.toByteArray();
        boolean endsInSpace = mergesSpaces && afterSpace && bytes.length > 0;
        return endsInSpace ? Arrays.copyOf(bytes, bytes.length - SPACE_MARK.length) : bytes;
    }
}
