/// Checkpoints from a Hugging Face-compatible hub: what to fetch of a repository, fetching it, keeping it.
@NullMarked
package dev.trimtab.checkpoint.hub;

import org.jspecify.annotations.NullMarked;
