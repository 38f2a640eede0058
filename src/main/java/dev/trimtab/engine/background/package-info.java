/// Work that an engine loop does when its engines have none.
@NullMarked
package dev.trimtab.engine.background;

import org.jspecify.annotations.NullMarked;
