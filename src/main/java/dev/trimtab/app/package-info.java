/// The composition root: configuration, wiring, start and stop.
@NullMarked
package dev.trimtab.app;

import org.jspecify.annotations.NullMarked;
