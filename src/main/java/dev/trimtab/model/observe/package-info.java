/// Watching a forward pass from inside: what meets each matrix, and what each block does to the residual stream.
@NullMarked
package dev.trimtab.model.observe;

import org.jspecify.annotations.NullMarked;
