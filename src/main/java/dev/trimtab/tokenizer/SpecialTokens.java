package dev.trimtab.tokenizer;

import dev.trimtab.checkpoint.Metadata;
import dev.trimtab.tokenizer.huggingface.AddedToken;
import dev.trimtab.tokenizer.text.CharacterKind;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;

/// The tokens that are found in a text before anything else: control tokens where they are asked for,
/// user-defined ones always. Of those that begin at the same place the longest wins, and the leftmost
/// place before all.
///
/// A trie over UTF-16; most characters of a text begin no special token, and those cost one bit test.
final class SpecialTokens {
    static final int NO_TOKEN = -1;

    /// Tokens that stand in a text in a manner of their own: those that take the white space before or after
    /// them with them, and those that count only as words.
    record Manners(BitSet left, BitSet right, BitSet words) {
        /// Phi-3's tokens with `rstrip` in its `tokenizer.json`, which GGUF has no word for: `<|assistant|>`
        /// takes the newline of the template with it.
        private static final List<String> PHI3 = List.of("<|assistant|>", "</s>");

        static Manners of(Metadata metadata, Vocabulary vocabulary) {
            Manners manners = new Manners(new BitSet(), new BitSet(), new BitSet());
            if (metadata.string("general.architecture", "").equals("phi3")) {
                PHI3.forEach(piece -> vocabulary.find(piece).ifPresent(manners.right::set));
            }
            return manners;
        }

        static Manners of(List<AddedToken> tokens) {
            Manners manners = new Manners(new BitSet(), new BitSet(), new BitSet());
            for (AddedToken token : tokens) {
                manners.left.set(token.id(), token.stripsLeft());
                manners.right.set(token.id(), token.stripsRight());
                manners.words.set(token.id(), token.isWord());
            }
            return manners;
        }
    }

    private final BitSet firsts = new BitSet();
    private final LongTable children = new LongTable();
    private int[] nodeTokens = new int[64];
    private int nodes = 1;
    private final Vocabulary vocabulary;
    private final Manners manners;

    SpecialTokens(Vocabulary vocabulary, Manners manners) {
        this.vocabulary = vocabulary;
        this.manners = manners;
        Arrays.fill(nodeTokens, NO_TOKEN);
        for (int id = 0; id < vocabulary.size(); id++) {
            switch (vocabulary.kind(id)) {
                case CONTROL, UNKNOWN, USER_DEFINED -> add(vocabulary.piece(id), id);
                case NORMAL, BYTE, UNUSED -> {}
            }
        }
    }

    private void add(String piece, int id) {
        if (piece.isEmpty()) {
            return;
        }
        firsts.set(piece.charAt(0));
        int node = 0;
        for (int i = 0; i < piece.length(); i++) {
            long edge = LongTable.pair(node, piece.charAt(i));
            children.putIfAbsent(edge, nodes);
            node = (int) children.get(edge);
            if (node == nodes) {
                nodes++;
            }
        }
        if (node >= nodeTokens.length) {
            int old = nodeTokens.length;
            nodeTokens = Arrays.copyOf(nodeTokens, 2 * node);
            Arrays.fill(nodeTokens, old, nodeTokens.length, NO_TOKEN);
        }
        nodeTokens[node] = id;
    }

    /// The first place from `start` at which a special token of `text` stands, or the text's length.
    int next(String text, int start, Tokenizer.ControlTokens controlTokens) {
        int position = start;
        while (position < text.length() && match(text, position, controlTokens) == NO_TOKEN) {
            position++;
        }
        return position;
    }

    /// The longest special token at `start` of `text`, or [#NO_TOKEN].
    int match(String text, int start, Tokenizer.ControlTokens controlTokens) {
        if (!firsts.get(text.charAt(start))) {
            return NO_TOKEN;
        }
        int longest = NO_TOKEN;
        int node = 0;
        for (int i = start; i < text.length(); i++) {
            long child = children.get(LongTable.pair(node, text.charAt(i)));
            if (child == LongTable.ABSENT) {
                break;
            }
            node = (int) child;
            int token = node < nodeTokens.length ? nodeTokens[node] : NO_TOKEN;
            if (token != NO_TOKEN && counts(token, controlTokens) && mayStand(token, text, start, i + 1)) {
                longest = token;
            }
        }
        return longest;
    }

    /// Where the text goes on after `id`, which stands at `start` of `text`.
    int after(String text, int start, int id) {
        int position = start + vocabulary.piece(id).length();
        while (manners.right.get(id) && position < text.length() && CharacterKind.isWhiteSpace(text.charAt(position))) {
            position++;
        }
        return position;
    }

    /// Where the text before `id`, which stands at `end` of `text`, ends, looking back no further than `start`.
    int before(String text, int start, int end, int id) {
        int position = end;
        while (manners.left.get(id) && position > start && CharacterKind.isWhiteSpace(text.charAt(position - 1))) {
            position--;
        }
        return position;
    }

    private boolean mayStand(int id, String text, int start, int end) {
        boolean touched = (start > 0 && isWord(text.codePointBefore(start)))
                || (end < text.length() && isWord(text.codePointAt(end)));
        return !touched || !manners.words.get(id);
    }

    private static boolean isWord(int codePoint) {
        return Character.isLetterOrDigit(codePoint) || codePoint == '_';
    }

    private boolean counts(int id, Tokenizer.ControlTokens controlTokens) {
        return controlTokens == Tokenizer.ControlTokens.PARSE || vocabulary.kind(id) == Vocabulary.Kind.USER_DEFINED;
    }
}
