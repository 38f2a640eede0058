package dev.trimtab.checkpoint.adapter;

import dev.trimtab.checkpoint.Contents;
import dev.trimtab.checkpoint.GgufReader;
import dev.trimtab.checkpoint.Metadata;
import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.Unsupported;
import dev.trimtab.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/// Reads an adapter from GGUF, as llama.cpp's `convert_lora_to_gguf.py` writes it:
///
/// 1. `general.type` is `adapter`, `adapter.type` is `lora`, `general.architecture` the base's.
/// 2. `adapter.lora.alpha`, a float: the scale is alpha / rank, or 1 where alpha is 0.
/// 3. For each adapted tensor NAME the factors `NAME.lora_a` `[rank, columns]` and `NAME.lora_b` `[rows, rank]`;
///    rows of q and k in the order of the base's file.
///
/// Source: llama.cpp, `src/llama-adapter.cpp`.
final class GgufAdapter {
    private static final String LEFT = ".lora_b";
    private static final String RIGHT = ".lora_a";

    private GgufAdapter() {}

    static LoraAdapter.Contents read(String source, MemorySegment bytes) {
        Contents file = GgufReader.read(source, bytes);
        Metadata metadata = file.metadata();
        expect(metadata, "general.type", "adapter");
        expect(metadata, "adapter.type", "lora");
        if (metadata.contains("adapter.alora.invocation_tokens")) {
            throw new Unsupported(source + ": an activated LoRA, which begins at tokens of its own");
        }
        String architecture = metadata.string("general.architecture");
        float alpha = (float) metadata.number("adapter.lora.alpha");
        Map<String, LoraTarget> targets = new LinkedHashMap<>();
        for (Tensor tensor : file.tensors().values()) {
            if (tensor.name().endsWith(RIGHT)) {
                String name = base(tensor.name(), RIGHT);
                Tensor left = other(source, file, name + LEFT);
                targets.put(name, new LoraTarget(name, tensor, left, scale(alpha, tensor)));
            } else if (tensor.name().endsWith(LEFT)) {
                other(source, file, base(tensor.name(), LEFT) + RIGHT);
            } else {
                throw BadCheckpoint.mismatch(
                        source + ": tensor " + tensor.name(), "a name that ends in .lora_a or .lora_b", "another");
            }
        }
        return new LoraAdapter.Contents(source, Optional.of(architecture), HeadRows.ofGguf(architecture), targets);
    }

    private static void expect(Metadata metadata, String key, String expected) {
        String found = metadata.string(key, "none");
        if (!found.equals(expected)) {
            throw BadCheckpoint.mismatch(metadata.source() + ": metadata " + key, expected, found);
        }
    }

    private static String base(String name, String suffix) {
        return name.substring(0, name.length() - suffix.length());
    }

    private static Tensor other(String source, Contents file, String name) {
        Tensor tensor = file.tensors().get(name);
        if (tensor == null) {
            throw new BadCheckpoint(source + ": tensor " + name + " is missing beside its other factor");
        }
        return tensor;
    }

    private static float scale(float alpha, Tensor right) {
        return alpha == 0 ? 1 : alpha / right.shape().rows();
    }
}
