/// Weights as matrices of floats, and the linear algebra that compression needs.
@NullMarked
package dev.trimtab.compress.matrix;

import org.jspecify.annotations.NullMarked;
