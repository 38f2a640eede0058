/// Reads `tokenizer.json`, the file of Hugging Face's tokenizers, into the steps that it describes:
///
///     text -> Normalizer -> PieceCutter -> model (BPE or unigram) -> ids -> PieceSpelling -> text
///
/// What differs from Hugging Face's program, on purpose:
///
/// - Added tokens are found in the text as it is written, before it is normalized, also those marked
///   `normalized`.
/// - `dropout` is ignored, and so is everything about offsets, padding, truncation and pairs of texts.
/// - Patterns are matched without backtracking ([dev.trimtab.tokenizer.regex.Regex]).
@NullMarked
package dev.trimtab.tokenizer.huggingface;

import org.jspecify.annotations.NullMarked;
