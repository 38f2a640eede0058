/// What the activations of a model are over a text: statistics, covariances and influences, by running it with an
/// observer, or from a file of somebody who did.
@NullMarked
package dev.trimtab.quality.calibration;

import org.jspecify.annotations.NullMarked;
