/// Quantization methods: from a matrix, and what is known of its inputs, to a form with fewer bits.
/// [dev.trimtab.compress.quantize.Quantization] is the way in and lists them.
@NullMarked
package dev.trimtab.compress.quantize;

import org.jspecify.annotations.NullMarked;
