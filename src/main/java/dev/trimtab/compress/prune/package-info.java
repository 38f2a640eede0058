/// What to remove from weights, and how to make up for it: functions of matrices and of what is known of their
/// inputs. Single weights and vectors of them become zeros ([dev.trimtab.compress.prune.SparsityMethod],
/// [dev.trimtab.compress.prune.VectorSparsity]); of structures (KV groups, neurons, layers, tokens) only the
/// numbers of those that stay are found here ([dev.trimtab.compress.prune.StructuredMethod]).
@NullMarked
package dev.trimtab.compress.prune;

import org.jspecify.annotations.NullMarked;
