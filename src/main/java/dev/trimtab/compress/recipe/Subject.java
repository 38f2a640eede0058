package dev.trimtab.compress.recipe;

import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.tensor.Tensor;
import java.util.EnumSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// A tensor as rules see it.
///
/// @param names every way to name it, GGUF's first: with and without `.weight`, and Hugging Face's
/// @param layer empty outside the layers
public record Subject(Tensor tensor, List<String> names, Set<TensorClass> classes, OptionalInt layer) {
    public static final String EMBEDDING = "token_embd.weight";
    public static final String HEAD = "output.weight";
    public static final String POSITIONS = "position_embd.weight";

    private static final Pattern LAYER = Pattern.compile("blk\\.(\\d{1,5})\\.(.*)");

    private static final Pattern SUFFIX = Pattern.compile("\\.(weight|bias)$");

    public static Subject of(Checkpoint checkpoint, Tensor tensor) {
        Matcher layer = LAYER.matcher(tensor.name());
        boolean inLayer = layer.matches();
        Set<TensorClass> classes = inLayer ? classes(layer.group(2)) : classes(checkpoint, tensor.name());
        return new Subject(
                tensor,
                names(checkpoint, tensor.name()),
                classes,
                inLayer ? OptionalInt.of(Integer.parseInt(layer.group(1))) : OptionalInt.empty());
    }

    /// Routers decide which experts see a token: a few rows, on which everything hangs.
    public boolean isRouter() {
        return tensor.name().contains(".ffn_gate_inp.");
    }

    /// Whether it is both embedding and head.
    public boolean isTied() {
        return classes.contains(TensorClass.EMBED) && classes.contains(TensorClass.HEAD);
    }

    /// Whether its rows are only looked up, so that it need not be packed.
    public boolean isTable() {
        return classes.equals(Set.of(TensorClass.EMBED));
    }

    private static Set<TensorClass> classes(String module) {
        if (module.startsWith("attn_")) {
            return EnumSet.of(TensorClass.ATTN);
        }
        return module.startsWith("ffn_") && !module.startsWith("ffn_gate_inp")
                ? EnumSet.of(TensorClass.FFN)
                : EnumSet.noneOf(TensorClass.class);
    }

    private static Set<TensorClass> classes(Checkpoint checkpoint, String name) {
        return switch (name) {
            case POSITIONS -> EnumSet.of(TensorClass.EMBED);
            case EMBEDDING, HEAD ->
                checkpoint.tensors().containsKey(EMBEDDING)
                                && checkpoint.tensors().containsKey(HEAD)
                        ? EnumSet.of(name.equals(HEAD) ? TensorClass.HEAD : TensorClass.EMBED)
                        : EnumSet.of(TensorClass.EMBED, TensorClass.HEAD);
            default -> EnumSet.noneOf(TensorClass.class);
        };
    }

    /// A tied tensor goes by the names of both.
    private static List<String> names(Checkpoint checkpoint, String name) {
        Set<String> names = new LinkedHashSet<>(checkpoint.namesOf(name));
        if (classes(checkpoint, name).contains(TensorClass.HEAD)) {
            names.addAll(checkpoint.namesOf(HEAD));
        }
        if (classes(checkpoint, name).contains(TensorClass.EMBED) && !name.equals(POSITIONS)) {
            names.addAll(checkpoint.namesOf(EMBEDDING));
        }
        for (String full : List.copyOf(names)) {
            names.add(SUFFIX.matcher(full).replaceFirst(""));
        }
        return List.copyOf(names);
    }
}
