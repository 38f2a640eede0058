package dev.trimtab.tokenizer;

import dev.trimtab.tokenizer.huggingface.Normalizer;
import dev.trimtab.tokenizer.huggingface.Piece;
import dev.trimtab.tokenizer.huggingface.PieceCutter;
import dev.trimtab.tokenizer.text.Utf8Text;
import java.util.BitSet;
import java.util.function.Consumer;

/// The steps of a `tokenizer.json`: a text is normalized, cut, and its words encoded.
record PipelineEncoder(Normalizer normalizer, PieceCutter cutter, PieceEncoder model) implements Tokenizer.TextEncoder {
    @Override
    public void encode(String text, int start, int end, IdBuffer ids) {
        String normalized = normalizer.apply(wellFormed(text, start, end));
        if (!normalized.isEmpty()) {
            Consumer<String> words = model.into(ids);
            cutter.cut(new Piece(normalized, start == 0), piece -> words.accept(piece.text()));
        }
    }

    @Override
    public void spell(String piece, IdBuffer ids, IdBuffer trail) {
        model.spell(piece, ids, trail);
    }

    @Override
    public BitSet indispensable() {
        return model.indispensable();
    }

    /// A part of a text with U+FFFD for each unpaired surrogate.
    private static String wellFormed(String text, int start, int end) {
        StringBuilder part = new StringBuilder(end - start);
        for (int i = start; i < end; ) {
            int codePoint = Utf8Text.wellFormedCodePointAt(text, i, end);
            part.appendCodePoint(codePoint);
            i += Character.charCount(codePoint);
        }
        return part.toString();
    }
}
