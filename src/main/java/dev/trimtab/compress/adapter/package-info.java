/// Adapters that become part of the weights, before anything else is done to them.
@NullMarked
package dev.trimtab.compress.adapter;

import org.jspecify.annotations.NullMarked;
