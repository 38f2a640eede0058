/// llama.cpp as a library: found, loaded and called through the foreign function interface.
@NullMarked
package dev.trimtab.kernel.llamacpp;

import org.jspecify.annotations.NullMarked;
