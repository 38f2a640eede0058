/// The protocol by which a variant is measured against its checkpoint's base: distributions, generation, speed.
@NullMarked
package dev.trimtab.quality.measure;

import org.jspecify.annotations.NullMarked;
