/// Shapes, encodings and tensors: what a checkpoint's bytes are, before anybody computes with them.
@NullMarked
package dev.trimtab.tensor;

import org.jspecify.annotations.NullMarked;
