package dev.trimtab.tokenizer;

import dev.trimtab.checkpoint.Metadata;
import dev.trimtab.error.BadCheckpoint;
import java.util.BitSet;
import java.util.List;

/// The ids that mean something to whoever builds prompts or generates, [#NONE] where there is none.
///
/// Files name them by keys and, for the ends of turns, often only by the text of a token; the texts
/// are those that llama.cpp knows (ggml-org/llama.cpp, src/llama-vocab.cpp). Differences: byte-level
/// vocabularies without a BOS or EOS have none (not token 11), and an id out of range is refused.
record SpecialIds(
        int bos, int eos, int eot, int unknown, int padding, boolean addsBos, boolean addsEos, BitSet endOfGeneration) {
    static final int NONE = -1;

    /// What holds for ids and flags that a file does not mention.
    record Defaults(int bos, int eos, int unknown, boolean addsBos, boolean addsEos, boolean addsSpacePrefix) {
        static final Defaults NOTHING = new Defaults(NONE, NONE, NONE, false, false, false);
    }

    /// More ids that end a text or turn: what `generation_config.json` lists.
    private static final String ENDS = "trimtab.tokenizer.end_ids";

    /// How files write that there is no such token.
    private static final long ABSENT_UNSIGNED = 0xFFFF_FFFFL;

    /// Texts that end a turn, whatever kind of token the file says they are: nobody writes them.
    private static final List<String> TURN_ENDS = List.of(
            "<|eot_id|>",
            "<|im_end|>",
            "<|end|>",
            "<end_of_turn>",
            "<|endoftext|>",
            "<|end_of_text|>",
            "<|eom_id|>",
            "<|return|>",
            "<|call|>",
            "<|calls|>",
            "<|flush|>",
            "<turn|>",
            "<|tool_response>",
            "<end_of_utterance>",
            "<｜end▁of▁sentence｜>",
            "[e~[",
            "<|fim_pad|>",
            "<fim-pad>",
            "<fim_pad>",
            "<|fim_repo|>",
            "<|repo_name|>",
            "<fim-repo>",
            "<|file_sep|>");

    /// Texts that end a turn unless they are ordinary tokens, which text may well spell.
    private static final List<String> LIKELY_TURN_ENDS =
            List.of("</s>", "<EOT>", "_<EOT>", "[EOT]", "[EOS]", "<eos>", "<PAD>", "[PAD]", "<REPO>", "<reponame>");

    /// The texts that can be the EOT, in this order.
    private static final List<String> EOT_TEXTS = TURN_ENDS.subList(0, 6);

    /// In harmony's and Solar's formats `<|end|>` closes a message within a turn.
    private static final List<List<String>> MESSAGE_FORMATS =
            List.of(List.of("<|return|>", "<|call|>"), List.of("<|calls|>", "<|flush|>"));

    /// Finds the ids, and makes the tokens that end turns control tokens in `kinds`.
    ///
    /// @throws BadCheckpoint when an id is out of range, or BOS or EOS is to be added but not named
    static SpecialIds of(Metadata metadata, Defaults defaults, Vocabulary.PieceIndex index, Vocabulary.Kind[] kinds) {
        int size = kinds.length;
        int bos = id(metadata, "bos", size, defaults.bos());
        int eos = id(metadata, "eos", size, defaults.eos());
        int unknown = id(metadata, "unknown", size, defaults.unknown());
        BitSet ends = ends(index, kinds);
        int eot = id(metadata, "eot", size, NONE);
        for (int i = 0; eot == NONE && i < EOT_TEXTS.size(); i++) {
            int id = find(index, EOT_TEXTS.get(i));
            eot = id != NONE && ends.get(id) ? id : NONE;
        }
        for (int end : new int[] {eos, eot, id(metadata, "eom", size, NONE), id(metadata, "fim_pad", size, NONE)}) {
            if (end != NONE) {
                ends.set(end);
            }
        }
        for (long end : metadata.contains(ENDS) ? metadata.integers(ENDS) : new long[0]) {
            if (end < 0 || end >= size) {
                throw BadCheckpoint.mismatch(metadata.source() + ": metadata " + ENDS, "ids below " + size, end);
            }
            ends.set((int) end);
        }
        return new SpecialIds(
                bos,
                eos,
                eot,
                unknown,
                id(metadata, "padding", size, NONE),
                adds(metadata, "add_bos_token", bos != NONE && defaults.addsBos(), bos),
                adds(metadata, "add_eos_token", defaults.addsEos() && eos != NONE, eos),
                ends);
    }

    private static int id(Metadata metadata, String name, int size, int fallback) {
        String key = "tokenizer.ggml." + name + "_token_id";
        if (!metadata.contains(key)) {
            return fallback < size ? fallback : NONE;
        }
        long id = metadata.integer(key);
        if (id == NONE || id == ABSENT_UNSIGNED) {
            return NONE;
        }
        return metadata.integer(key, 0, size - 1);
    }

    private static boolean adds(Metadata metadata, String name, boolean fallback, int id) {
        String key = "tokenizer.ggml." + name;
        boolean adds = metadata.flag(key, fallback);
        if (adds && id == NONE) {
            throw BadCheckpoint.mismatch(metadata.source() + ": metadata " + key, "the id of that token", "none");
        }
        return adds;
    }

    private static int find(Vocabulary.PieceIndex index, String text) {
        return index.find(text, 0, text.length());
    }

    private static BitSet ends(Vocabulary.PieceIndex index, Vocabulary.Kind[] kinds) {
        BitSet ends = new BitSet(kinds.length);
        for (String text : TURN_ENDS) {
            int id = find(index, text);
            if (id != NONE) {
                ends.set(id);
            }
        }
        for (String text : LIKELY_TURN_ENDS) {
            int id = find(index, text);
            if (id != NONE && (kinds[id] == Vocabulary.Kind.CONTROL || kinds[id] == Vocabulary.Kind.USER_DEFINED)) {
                ends.set(id);
            }
        }
        for (List<String> format : MESSAGE_FORMATS) {
            int end = find(index, "<|end|>");
            if (end != NONE && format.stream().allMatch(text -> find(index, text) != NONE)) {
                ends.clear(end);
            }
        }
        ends.stream().forEach(id -> kinds[id] = Vocabulary.Kind.CONTROL);
        return ends;
    }
}
