/// Passes over rows of logits, scalar and SIMD: what choosing a token spends its time in.
@NullMarked
package dev.trimtab.kernel.logits;

import org.jspecify.annotations.NullMarked;
