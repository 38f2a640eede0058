/// Matrices of which only some vectors of 32 weights are there.
@NullMarked
package dev.trimtab.kernel.sparse;

import org.jspecify.annotations.NullMarked;
