/// Memory that the system holds for us: what native calls there are to give it back.
@NullMarked
package dev.trimtab.kernel.memory;

import org.jspecify.annotations.NullMarked;
