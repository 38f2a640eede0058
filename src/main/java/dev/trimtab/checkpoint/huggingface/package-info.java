/// Models as Hugging Face lays them out, given GGUF's keys, names and values: folders of configuration, weights
/// and tokenizer, and the library compressed-tensors' weights.
@NullMarked
package dev.trimtab.checkpoint.huggingface;

import org.jspecify.annotations.NullMarked;
