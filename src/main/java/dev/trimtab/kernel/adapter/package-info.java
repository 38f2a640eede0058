/// Low-rank corrections that some tokens of a batch get and others do not.
@NullMarked
package dev.trimtab.kernel.adapter;

import org.jspecify.annotations.NullMarked;
