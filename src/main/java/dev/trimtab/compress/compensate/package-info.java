/// The compensate stage: what quantization and pruning lost of a matrix, given back in part by something small.
@NullMarked
package dev.trimtab.compress.compensate;

import org.jspecify.annotations.NullMarked;
