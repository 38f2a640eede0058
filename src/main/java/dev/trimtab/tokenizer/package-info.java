/// Text to token ids and back.
@NullMarked
package dev.trimtab.tokenizer;

import org.jspecify.annotations.NullMarked;
