package dev.trimtab.tokenizer.huggingface;

/// A part of a text, on its way to the model; `isFirst` where the text begins with it.
public record Piece(String text, boolean isFirst) {
    Piece part(int start, int end) {
        return new Piece(text.substring(start, end), isFirst && start == 0);
    }
}
