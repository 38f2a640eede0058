/// Safetensors files: read and checked, written.
@NullMarked
package dev.trimtab.checkpoint.safetensors;

import org.jspecify.annotations.NullMarked;
