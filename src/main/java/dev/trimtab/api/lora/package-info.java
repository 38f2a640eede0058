/// LoRA adapters over HTTP, in vLLM's words.
@NullMarked
package dev.trimtab.api.lora;

import org.jspecify.annotations.NullMarked;
