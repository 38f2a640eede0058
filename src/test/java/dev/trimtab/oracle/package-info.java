/// Oracles that are not ours: llama.cpp called from tests.
@NullMarked
package dev.trimtab.oracle;

import org.jspecify.annotations.NullMarked;
