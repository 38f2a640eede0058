/// What a recipe came to for one checkpoint, written down so that it comes to the same again.
@NullMarked
package dev.trimtab.compress.lock;

import org.jspecify.annotations.NullMarked;
