/// What a model is worth: speed now, quality against its base later.
@NullMarked
package dev.trimtab.quality;

import org.jspecify.annotations.NullMarked;
