/// LoRA adapters over a loaded model: packed, leased to sequences, and freed after the last of them.
@NullMarked
package dev.trimtab.model.adapter;

import org.jspecify.annotations.NullMarked;
