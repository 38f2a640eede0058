package dev.trimtab.tokenizer.huggingface;

import dev.trimtab.error.Unsupported;
import dev.trimtab.tokenizer.text.ByteAlphabet;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.function.Function;

/// What the pieces of ordinary tokens say: a `decoder` of `tokenizer.json`, as far as it works token by token,
/// which all that generate text do.
///
/// @param bytes the bytes of a piece
/// @param dropsFirstSpace whether a text loses the space it begins with
/// @param readsBytes whether `<0x0A>` is a byte
record PieceSpelling(Function<String, byte[]> bytes, boolean dropsFirstSpace, boolean readsBytes) {
    /// Pieces as they stand: for files without a decoder.
    static final PieceSpelling PLAIN = ofText(Function.identity());

    private static PieceSpelling ofText(Function<String, String> change) {
        return new PieceSpelling(piece -> change.apply(piece).getBytes(StandardCharsets.UTF_8), false, false);
    }

    /// @throws dev.trimtab.error.BadCheckpoint when a field is missing or wrong
    /// @throws Unsupported for types that are not known
    static PieceSpelling of(Json json) {
        return switch (json.type()) {
            case "ByteLevel" -> new PieceSpelling(ByteAlphabet::bytes, false, false);
            case "Metaspace" -> {
                char mark = json.character("replacement", '\u2581');
                yield ofText(piece -> piece.replace(mark, ' ')).dropping(PrependScheme.of(json) != PrependScheme.NEVER);
            }
            case "Replace", "ByteFallback", "Fuse", "Strip" -> sequence(List.of(json));
            case "Sequence" -> sequence(json.get("decoders").list());
            default -> throw json.unsupported();
        };
    }

    private PieceSpelling dropping(boolean drops) {
        return new PieceSpelling(bytes, drops, readsBytes);
    }

    /// The steps that SentencePiece's vocabularies have; a single other step stands for itself.
    private static PieceSpelling sequence(List<Json> steps) {
        Function<String, String> change = Function.identity();
        boolean readsBytes = false;
        boolean dropsSpace = false;
        for (Json step : steps) {
            switch (step.type()) {
                case "Replace" -> {
                    Pattern pattern = Pattern.of(step.get("pattern"));
                    String content = step.text("content");
                    change = change.andThen(piece -> pattern.replace(piece, content));
                }
                case "ByteFallback" -> readsBytes = true;
                case "Fuse" -> {}
                case "Strip" -> dropsSpace |= dropsSpace(step);
                case "ByteLevel", "Metaspace" -> {
                    if (steps.size() != 1) {
                        throw new Unsupported(
                                step.where() + ": type " + step.type() + " among others is not supported");
                    }
                    return of(step);
                }
                default -> throw step.unsupported();
            }
        }
        PieceSpelling spelling = ofText(change);
        return new PieceSpelling(spelling.bytes, dropsSpace, readsBytes);
    }

    private static boolean dropsSpace(Json strip) {
        int start = strip.integer("start", 0, Integer.MAX_VALUE, 0);
        int stop = strip.integer("stop", 0, Integer.MAX_VALUE, 0);
        if (start > 1 || stop > 0 || strip.character("content", ' ') != ' ') {
            throw new Unsupported(strip.where() + ": only one space at the start can be stripped, not " + start
                    + " and " + stop + " of '" + strip.character("content", ' ') + "'");
        }
        return start == 1;
    }
}
