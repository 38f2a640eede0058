/// Measuring fresh variants while they and others serve.
@NullMarked
package dev.trimtab.variant.measure;

import org.jspecify.annotations.NullMarked;
