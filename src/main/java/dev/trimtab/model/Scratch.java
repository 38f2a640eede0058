package dev.trimtab.model;

import dev.trimtab.kernel.Activations;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/// The rooms that blocks compute in. Blocks run one after the other, so those that ask for the same use and
/// width share one.
final class Scratch {
    /// What a room is for; a block holds several at a time.
    enum Use {
        NORMED,
        DELTA,
        QUERY,
        KEY,
        VALUE,
        ATTENDED,
        GATE,
        UP,
        GATED,
        ROUTED,
        EXPERT_IN,
        EXPERT_OUT,
        /// Between the factors of a product.
        RANK,
        /// What a correction adds.
        CORRECTION;

        private boolean isOfForms() {
            return this == RANK || this == CORRECTION;
        }
    }

    private record Room(Use use, int columns) {}

    private final int tokens;
    private final Map<Room, Activations> rooms = new HashMap<>();

    /// For batches of up to `tokens`.
    Scratch(int tokens) {
        this.tokens = tokens;
    }

    /// Most tokens of a batch.
    int tokens() {
        return tokens;
    }

    /// The room for `use`, `[tokens, columns]`.
    Activations of(Use use, int columns) {
        return rooms.computeIfAbsent(new Room(use, columns), room -> new Activations(tokens, room.columns()));
    }

    /// Floats a token in all rooms that blocks asked for; what forms of weights need beside is small.
    long columns() {
        return rooms.keySet().stream()
                .filter(room -> !room.use().isOfForms())
                .mapToLong(Room::columns)
                .sum();
    }

    /// Floats a token that the blocks of `config` will ask for.
    static long columns(ModelConfig config) {
        Set<Room> rooms = new HashSet<>();
        rooms.add(new Room(Use.NORMED, config.hiddenSize()));
        rooms.add(new Room(Use.DELTA, config.hiddenSize()));
        for (ModelConfig.Layer layer : config.layers()) {
            if (layer.attends()) {
                rooms.add(new Room(Use.QUERY, layer.numAttentionHeads() * config.headDim()));
                rooms.add(new Room(Use.ATTENDED, layer.numAttentionHeads() * config.headDim()));
                rooms.add(new Room(Use.KEY, layer.numKeyValueHeads() * config.headDim()));
                rooms.add(new Room(Use.VALUE, layer.numKeyValueHeads() * config.headDim()));
            }
            for (Use use : new Use[] {Use.GATE, Use.UP, Use.GATED}) {
                rooms.add(new Room(use, layer.intermediateSize()));
            }
        }
        if (config.experts().count() > 0) {
            rooms.add(new Room(Use.ROUTED, config.experts().count()));
            rooms.add(new Room(Use.EXPERT_IN, config.hiddenSize()));
            rooms.add(new Room(Use.EXPERT_OUT, config.hiddenSize()));
        }
        return rooms.stream().mapToLong(Room::columns).sum();
    }
}
