/// Checkpoint files: read, check, describe.
@NullMarked
package dev.trimtab.checkpoint;

import org.jspecify.annotations.NullMarked;
