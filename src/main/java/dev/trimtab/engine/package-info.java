/// Continuous batching: sequences, scheduler, KV blocks, sampler, the step.
@NullMarked
package dev.trimtab.engine;

import org.jspecify.annotations.NullMarked;
