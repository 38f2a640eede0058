/// The tier of the Vector API: with the logits of [dev.trimtab.kernel.logits], all that touches
/// `jdk.incubator.vector`. [dev.trimtab.kernel.Kernels] is the way in.
@NullMarked
package dev.trimtab.kernel.vector;

import org.jspecify.annotations.NullMarked;
