/// Weights that are indices into small tables of values, packed and multiplied.
@NullMarked
package dev.trimtab.kernel.codebook;

import org.jspecify.annotations.NullMarked;
