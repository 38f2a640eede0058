/// The bytes of checkpoints: files mapped with a watch on them, cursors that never leave their bytes, files
/// written whole or not at all.
@NullMarked
package dev.trimtab.checkpoint.io;

import org.jspecify.annotations.NullMarked;
