/// The low-rank stage: matrices that become products of two smaller ones.
@NullMarked
package dev.trimtab.compress.lowrank;

import org.jspecify.annotations.NullMarked;
