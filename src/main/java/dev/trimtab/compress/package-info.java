/// What each weight of a checkpoint becomes when it is loaded: a [dev.trimtab.compress.recipe.Recipe] as users write
/// it, and the [dev.trimtab.compress.Plan] it makes for one checkpoint, tensor by tensor.
@NullMarked
package dev.trimtab.compress;

import org.jspecify.annotations.NullMarked;
