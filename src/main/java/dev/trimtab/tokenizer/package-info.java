/// Text to token ids and back.
///
/// [Tokenizer][dev.trimtab.tokenizer.Tokenizer] finds special tokens and leaves the text between them
/// to an encoder: byte-level BPE, whose words a table of pre-tokenizers cuts, SentencePiece's BPE, its
/// unigram model, or the pipeline that a `tokenizer.json` describes. All are checked id for id against
/// the programs that trained the vocabularies, and none of them backtracks.
@NullMarked
package dev.trimtab.tokenizer;

import org.jspecify.annotations.NullMarked;
