/// Which tensors of a checkpoint belong together, as data: what goes from each where heads, neurons, layers or
/// tokens are removed, and what the metadata says afterwards.
@NullMarked
package dev.trimtab.checkpoint.coupling;

import org.jspecify.annotations.NullMarked;
