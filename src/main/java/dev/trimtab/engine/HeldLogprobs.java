package dev.trimtab.engine;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/// Log probabilities of tokens whose text is held back: they come out with their text, and those of a stop
/// string never do.
final class HeldLogprobs {
    /// `start` and `end` count the characters of all tokens.
    private record Held(TokenEvent.Logprobs logprobs, int start, int end) {}

    private final Deque<Held> held = new ArrayDeque<>();
    private int decoded;
    private int released;

    /// Takes those of the next token, which made `characters` more of text.
    void add(TokenEvent.Logprobs logprobs, int characters) {
        held.add(new Held(logprobs, decoded, decoded + characters));
        decoded += characters;
    }

    /// Those of the tokens whose text is out, now that `characters` more of it are.
    List<TokenEvent.Logprobs> release(int characters) {
        released += characters;
        List<TokenEvent.Logprobs> out = new ArrayList<>();
        while (!held.isEmpty() && held.peek().end() <= released) {
            out.add(held.remove().logprobs());
        }
        return out;
    }

    /// As [#release(int)] for the last text of a sequence, of which `characters` come: a token of which any
    /// text came counts, or any at all where nothing was cut off.
    List<TokenEvent.Logprobs> releaseLast(int characters, boolean cut) {
        List<TokenEvent.Logprobs> out = release(characters);
        for (Held last : held) {
            if (!cut || last.start() < released) {
                out.add(last.logprobs());
            }
        }
        held.clear();
        return out;
    }
}
