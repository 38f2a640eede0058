/// What measuring and calibration keep on disk between two starts.
@NullMarked
package dev.trimtab.quality.cache;

import org.jspecify.annotations.NullMarked;
