/// The HTTP edge: endpoint table, codecs, streaming, errors.
@NullMarked
package dev.trimtab.api;

import org.jspecify.annotations.NullMarked;
