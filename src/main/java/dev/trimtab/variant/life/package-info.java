/// Variants that come and go while others serve: loading, draining, eviction, what a load would take.
@NullMarked
package dev.trimtab.variant.life;

import org.jspecify.annotations.NullMarked;
