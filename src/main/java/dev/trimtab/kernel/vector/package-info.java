/// The tier of the Vector API. All that touches `jdk.incubator.vector` is here; [dev.trimtab.kernel.Kernels] is
/// the way in.
@NullMarked
package dev.trimtab.kernel.vector;

import org.jspecify.annotations.NullMarked;
