/// LoRA adapters as they are served: declared, loaded over a variant, and found by name.
@NullMarked
package dev.trimtab.variant.adapter;

import org.jspecify.annotations.NullMarked;
