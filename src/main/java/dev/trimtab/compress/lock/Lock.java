package dev.trimtab.compress.lock;

import dev.trimtab.checkpoint.WeightSource;
import dev.trimtab.checkpoint.coupling.Removal;
import dev.trimtab.compress.Compression;
import dev.trimtab.compress.Decision;
import dev.trimtab.compress.Held;
import dev.trimtab.error.BadConfiguration;
import dev.trimtab.error.Internal;
import dev.trimtab.tensor.Shape;
import dev.trimtab.tensor.Tensor;
import dev.trimtab.tensor.TensorForm;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;

/// A recipe resolved for one checkpoint: what went in, what was decided, and what came out, tensor by tensor. Who
/// loads from a lock gets what it describes or an error; nothing is scored again.
///
/// @param removal what is removed as a whole; empty where the recipe removes nothing
/// @param tensors in the order of what is loaded
/// @param metrics what was measured, by name; added later
public record Lock(Inputs inputs, Optional<Removal> removal, List<Entry> tensors, Map<String, Double> metrics) {
    /// What the outcome depends on.
    ///
    /// @param recipe digest of its text
    /// @param source digest of all weights, with what was merged into them
    /// @param statistics digest of the calibration; empty where no method asked for one
    /// @param seed of what is random
    public record Inputs(String recipe, String source, Optional<String> statistics, long seed) {}

    /// One tensor.
    ///
    /// @param rule the recipe's entry that decided
    /// @param form what it became
    /// @param bytes of the form; of what packing alone makes, packed
    /// @param rank of a product of low rank, or of a correction
    /// @param address of its content ([WeightSource#address])
    public record Entry(String name, String rule, String form, long bytes, OptionalInt rank, String address) {}

    /// @throws BadConfiguration where a tensor is listed twice, or a metric is no number
    public Lock {
        tensors = List.copyOf(tensors);
        metrics = Collections.unmodifiableMap(new TreeMap<>(metrics));
        metrics.forEach((name, value) -> {
            if (!Double.isFinite(value)) {
                throw new BadConfiguration("metric " + name + ": a finite number expected, found " + value);
            }
        });
        Set<String> names = new HashSet<>();
        tensors.stream().filter(entry -> !names.add(entry.name())).findFirst().ifPresent(twin -> {
            throw new BadConfiguration("tensor " + twin.name() + " is listed twice");
        });
    }

    /// What `compression` came to.
    ///
    /// @param forms its forms, which those that a method made are asked for: from a cache, if there is one
    public static Lock of(Compression compression, WeightSource forms, Inputs inputs) {
        List<Entry> entries = new ArrayList<>();
        compression.shapes().forEach((name, shape) -> entries.add(entry(compression, forms, name, shape)));
        return new Lock(inputs, compression.removal(), entries, Map.of());
    }

    private static Entry entry(Compression compression, WeightSource forms, String name, Shape shape) {
        String source = compression.sourceName(name);
        Decision decision = compression
                .plan()
                .decision(source)
                .orElseThrow(() -> new Internal(source + ": nothing was decided about it"));
        String address = compression.address(name);
        if (compression.isMade(name)) {
            TensorForm form = forms.form(name);
            return new Entry(name, decision.rule(), label(form), form.sizeBytes(), rank(form), address);
        }
        Held held = decision.held();
        return new Entry(name, decision.rule(), held.label(), held.bytes(shape), OptionalInt.empty(), address);
    }

    private static String label(TensorForm form) {
        return switch (form) {
            case TensorForm.Dense(Tensor tensor) -> tensor.encoding().name().toLowerCase(Locale.ROOT);
            case TensorForm.Codebook codebook -> "codebook of " + (1 << codebook.bits());
            case TensorForm.LowRank(TensorForm left, TensorForm right) -> label(left) + " x " + label(right);
            case TensorForm.VectorSparse sparse ->
                sparse.columns().length + " lines of "
                        + sparse.lines().encoding().name().toLowerCase(Locale.ROOT);
            case TensorForm.Sum(TensorForm base, TensorForm correction) -> label(base) + " + " + label(correction);
        };
    }

    private static OptionalInt rank(TensorForm form) {
        return switch (form) {
            case TensorForm.Dense _, TensorForm.Codebook _, TensorForm.VectorSparse _ -> OptionalInt.empty();
            case TensorForm.LowRank product -> OptionalInt.of(product.rank());
            case TensorForm.Sum(TensorForm _, TensorForm correction) -> rank(correction);
        };
    }

    /// The same with what was measured.
    public Lock with(Map<String, Double> measured) {
        return new Lock(inputs, removal, tensors, measured);
    }

    /// Refuses to be the lock of another recipe or of other weights.
    ///
    /// @param place the lock's file, for messages
    /// @param found what is about to be loaded; its statistics do not count
    /// @throws BadConfiguration saying which digest was expected and found
    public void refuseOther(String place, Inputs found, boolean removes) {
        refuseOther(place, "recipe", inputs.recipe(), found.recipe());
        refuseOther(place, "source", inputs.source(), found.source());
        refuseOther(place, "seed", Long.toString(inputs.seed()), Long.toString(found.seed()));
        if (removes != removal.isPresent()) {
            throw new BadConfiguration(place + ": removal: " + (removes ? "one" : "none")
                    + " expected, as the recipe removes " + (removes ? "blocks or units" : "nothing whole"));
        }
    }

    /// Refuses to be the lock of other tensors than `compression` has, or of the same made otherwise.
    ///
    /// @throws BadConfiguration naming the tensor
    public void refuseOther(String place, Compression compression) {
        Map<String, String> expected = new TreeMap<>();
        tensors.forEach(entry -> expected.put(entry.name(), entry.address()));
        for (String name : compression.shapes().keySet()) {
            String listed = expected.remove(name);
            refuseOther(place, "tensor " + name, listed == null ? "none" : listed, compression.address(name));
        }
        if (!expected.isEmpty()) {
            throw new BadConfiguration(place + ": tensor "
                    + expected.keySet().iterator().next() + " is listed, and the recipe makes none of that name");
        }
    }

    private static void refuseOther(String place, String what, String expected, String found) {
        if (!expected.equals(found)) {
            throw new BadConfiguration(place + ": " + what + ": expected " + expected + ", as locked, found " + found
                    + "; delete the lock to resolve the recipe anew");
        }
    }
}
