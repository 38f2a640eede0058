package dev.trimtab.tokenizer.huggingface;

import dev.trimtab.tokenizer.text.ByteAlphabet;
import java.util.List;
import java.util.function.Consumer;

/// Cuts a text into the words that the model encodes: a row of `pre_tokenizer` in `tokenizer.json`. A step
/// may also write the words anew, as `ByteLevel` does.
@FunctionalInterface
public interface PieceCutter {
    /// The one that takes the whole text as a word.
    PieceCutter NONE = (piece, next) -> next.accept(piece);

    /// GPT-2's words.
    String GPT2 = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

    /// Gives `next` the parts of `piece`, in order; none is empty.
    void cut(Piece piece, Consumer<Piece> next);

    /// @throws dev.trimtab.error.BadCheckpoint when a field is missing or wrong
    /// @throws dev.trimtab.error.Unsupported for types that are not known
    static PieceCutter of(Json json) {
        return switch (json.type()) {
            case "Sequence" ->
                sequence(json.get("pretokenizers").list().stream()
                        .map(PieceCutter::of)
                        .toList());
            case "Split" ->
                new Split(
                        Pattern.of(json.get("pattern")),
                        Split.Behavior.of(json, ""),
                        json.flag("invert", false) ? Split.Wants.GAPS : Split.Wants.MATCHES);
            case "ByteLevel" -> byteLevel(json.flag("add_prefix_space", true), json.flag("use_regex", true));
            case "Metaspace" -> metaspace(json);
            case "Digits" ->
                new Split(
                        Pattern.regex("\\p{N}"),
                        json.flag("individual_digits", false) ? Split.Behavior.ISOLATED : Split.Behavior.CONTIGUOUS,
                        Split.Wants.MATCHES);
            case "Punctuation" ->
                new Split(Pattern.regex("[[:punct:]]"), Split.Behavior.of(json, "Isolated"), Split.Wants.MATCHES);
            case "Whitespace" -> new Split(Pattern.regex("\\w+|[^\\w\\s]+"), Split.Behavior.REMOVED, Split.Wants.GAPS);
            case "WhitespaceSplit" -> words();
            case "CharDelimiterSplit" ->
                new Split(
                        new Pattern.Literal(String.valueOf(json.character("delimiter", ' '))),
                        Split.Behavior.REMOVED,
                        Split.Wants.MATCHES);
            case "BertPreTokenizer" -> sequence(List.of(words(), Split.isolated(Pattern.regex("[[:punct:]]"))));
            default -> throw json.unsupported();
        };
    }

    /// Each pattern cuts what the one before it left; then bytes are written in GPT-2's alphabet.
    static PieceCutter byteLevel(List<String> patterns) {
        List<PieceCutter> cuts = patterns.stream()
                .map(pattern -> (PieceCutter) Split.isolated(Pattern.regex(pattern)))
                .toList();
        return sequence(List.of(sequence(cuts), byteLevel(false, false)));
    }

    private static PieceCutter words() {
        return new Split(Pattern.regex("\\s"), Split.Behavior.REMOVED, Split.Wants.MATCHES);
    }

    private static PieceCutter sequence(List<PieceCutter> steps) {
        PieceCutter all = NONE;
        for (PieceCutter step : steps.reversed()) {
            PieceCutter rest = all;
            all = (piece, next) -> step.cut(piece, part -> rest.cut(part, next));
        }
        return all;
    }

    private static PieceCutter byteLevel(boolean addsSpace, boolean cutsWords) {
        PieceCutter words = cutsWords ? Split.isolated(Pattern.regex(GPT2)) : NONE;
        return (piece, next) -> {
            boolean prefixed = addsSpace && !piece.text().startsWith(" ");
            Piece whole = prefixed ? new Piece(" " + piece.text(), piece.isFirst()) : piece;
            words.cut(whole, word -> next.accept(new Piece(ByteAlphabet.spell(word.text()), word.isFirst())));
        };
    }

    private static PieceCutter metaspace(Json json) {
        String mark = String.valueOf(json.character("replacement", '\u2581'));
        PrependScheme scheme = PrependScheme.of(json);
        PieceCutter words = json.flag("split", true)
                ? new Split(new Pattern.Literal(mark), Split.Behavior.MERGED_WITH_NEXT, Split.Wants.MATCHES)
                : NONE;
        return (piece, next) -> {
            String marked = piece.text().replace(" ", mark);
            boolean prefixed = scheme.prepends(piece) && !marked.startsWith(mark);
            words.cut(new Piece(prefixed ? mark + marked : marked, piece.isFirst()), next);
        };
    }
}
