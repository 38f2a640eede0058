package dev.trimtab.tokenizer;

import dev.trimtab.checkpoint.Metadata;
import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.tokenizer.huggingface.TokenizerJson.Merge;
import java.util.List;

/// The merges that files list, as a [Merger] wants them.
final class MergeTable {
    private static final String MERGES = "tokenizer.ggml.merges";
    private static final int NONE = SpecialIds.NONE;

    private MergeTable() {}

    /// Those of GGUF: lines of two pieces with a space between.
    ///
    /// @throws BadCheckpoint when a merge does not lead from tokens to a token
    static LongTable of(Metadata metadata, Vocabulary.PieceIndex index) {
        LongTable merges = new LongTable();
        List<String> lines = metadata.strings(MERGES);
        for (int rank = 0; rank < lines.size(); rank++) {
            String line = lines.get(rank);
            int space = Math.max(0, line.indexOf(' ', 1));
            int left = index.find(line, 0, space);
            int right = index.find(line, space + 1, line.length());
            int merged = index.findAround(line, 0, line.length(), space);
            if (left == NONE || right == NONE || merged == NONE) {
                throw noMerge(metadata.source() + ": metadata " + MERGES, rank, line);
            }
            merges.putIfAbsent(LongTable.pair(left, right), Merger.merge(rank, merged));
        }
        return merges;
    }

    /// Those of `tokenizer.json`.
    ///
    /// @throws BadCheckpoint as above
    static LongTable of(String source, List<Merge> pairs, Vocabulary.PieceIndex index) {
        LongTable merges = new LongTable();
        for (int rank = 0; rank < pairs.size(); rank++) {
            Merge pair = pairs.get(rank);
            String whole = pair.left() + pair.right();
            int left = index.find(whole, 0, pair.left().length());
            int right = index.find(whole, pair.left().length(), whole.length());
            int merged = index.find(whole, 0, whole.length());
            if (left == NONE || right == NONE || merged == NONE) {
                throw noMerge(source + ": merges", rank, pair.left() + " " + pair.right());
            }
            merges.putIfAbsent(LongTable.pair(left, right), Merger.merge(rank, merged));
        }
        return merges;
    }

    private static BadCheckpoint noMerge(String where, int rank, String found) {
        return BadCheckpoint.mismatch(where + ": merge " + rank, "two tokens that make a token", "'" + found + "'");
    }
}
