/// A vocabulary that loses tokens: which stay, and what a checkpoint's metadata and files say of them then.
@NullMarked
package dev.trimtab.checkpoint.vocabulary;

import org.jspecify.annotations.NullMarked;
