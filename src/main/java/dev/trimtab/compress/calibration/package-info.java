/// What is known of the activations that meet each matrix.
@NullMarked
package dev.trimtab.compress.calibration;

import org.jspecify.annotations.NullMarked;
