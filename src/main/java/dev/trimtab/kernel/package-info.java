/// SIMD kernels, their packed layouts and the compute pool, with a plain scalar twin of each.
@NullMarked
package dev.trimtab.kernel;

import org.jspecify.annotations.NullMarked;
