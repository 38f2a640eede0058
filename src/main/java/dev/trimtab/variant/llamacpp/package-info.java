/// The llama.cpp backend: models it runs behind an engine of ours.
@NullMarked
package dev.trimtab.variant.llamacpp;

import org.jspecify.annotations.NullMarked;
