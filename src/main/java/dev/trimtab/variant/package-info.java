/// A served variant's life: load, ready, unloaded; the memory plan.
@NullMarked
package dev.trimtab.variant;

import org.jspecify.annotations.NullMarked;
