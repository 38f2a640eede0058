/// Encoders: from floats to the bytes of [dev.trimtab.tensor.Encoding]s, by searches of our own.
@NullMarked
package dev.trimtab.tensor.quantize;

import org.jspecify.annotations.NullMarked;
