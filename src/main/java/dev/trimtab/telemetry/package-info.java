/// Micrometer binders that listen to the engine and the API; every meter name.
@NullMarked
package dev.trimtab.telemetry;

import org.jspecify.annotations.NullMarked;
