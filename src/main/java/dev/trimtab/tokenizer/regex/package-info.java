/// The regular expressions of `tokenizer.json`, matched without backtracking.
@NullMarked
package dev.trimtab.tokenizer.regex;

import org.jspecify.annotations.NullMarked;
