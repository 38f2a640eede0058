package dev.trimtab.tokenizer.huggingface;

import dev.trimtab.error.Unsupported;

/// Before which pieces `Metaspace` puts its mark.
enum PrependScheme {
    ALWAYS,
    FIRST,
    NEVER;

    /// Older files have the flag `add_prefix_space` for it.
    static PrependScheme of(Json json) {
        String scheme = json.text("prepend_scheme", json.flag("add_prefix_space", true) ? "always" : "never");
        return switch (scheme) {
            case "always" -> ALWAYS;
            case "first" -> FIRST;
            case "never" -> NEVER;
            default -> throw new Unsupported(json.where() + ": prepend_scheme " + scheme + " is not supported");
        };
    }

    boolean prepends(Piece piece) {
        return switch (this) {
            case ALWAYS -> true;
            case FIRST -> piece.isFirst();
            case NEVER -> false;
        };
    }
}
