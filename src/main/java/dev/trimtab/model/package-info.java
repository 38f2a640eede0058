/// Architectures as wiring over linear operators; the KV cache's layout.
@NullMarked
package dev.trimtab.model;

import org.jspecify.annotations.NullMarked;
