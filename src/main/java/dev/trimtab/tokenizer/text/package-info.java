/// Text before it becomes tokens: its bytes and kinds of characters, the alphabet of byte-level
/// vocabularies, and how the named pre-tokenizers cut it into words.
@NullMarked
package dev.trimtab.tokenizer.text;

import org.jspecify.annotations.NullMarked;
