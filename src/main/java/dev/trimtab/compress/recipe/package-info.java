/// What is asked of compression, as its author writes it.
@NullMarked
package dev.trimtab.compress.recipe;

import org.jspecify.annotations.NullMarked;
