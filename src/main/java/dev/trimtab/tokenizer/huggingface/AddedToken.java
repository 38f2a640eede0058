package dev.trimtab.tokenizer.huggingface;

/// A token that is found in a text before anything else: a row of `added_tokens`.
///
/// @param isSpecial whether it is structure, which has no text
/// @param stripsLeft whether it takes the white space before it with it
/// @param stripsRight whether it takes the white space after it with it
/// @param isWord whether it counts only where no letter or digit touches it
public record AddedToken(
        int id, String content, boolean isSpecial, boolean stripsLeft, boolean stripsRight, boolean isWord) {
    static AddedToken of(Json json, int idMax) {
        return new AddedToken(
                json.get("id").integer(0, idMax),
                json.text("content"),
                json.flag("special", false),
                json.flag("lstrip", false),
                json.flag("rstrip", false),
                json.flag("single_word", false));
    }

    AddedToken withId(int newId) {
        return new AddedToken(newId, content, isSpecial, stripsLeft, stripsRight, isWord);
    }
}
