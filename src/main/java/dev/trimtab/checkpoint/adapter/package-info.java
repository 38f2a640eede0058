/// LoRA adapters as data: read from GGUF and PEFT folders, checked, and fitted to a base.
@NullMarked
package dev.trimtab.checkpoint.adapter;

import org.jspecify.annotations.NullMarked;
