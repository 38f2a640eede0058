/// Files of what a recipe made: GGUF that llama.cpp loads, with an adapter beside it for corrections, and folders
/// as Hugging Face lays them out.
@NullMarked
package dev.trimtab.compress.export;

import org.jspecify.annotations.NullMarked;
