package dev.trimtab.checkpoint.coupling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trimtab.checkpoint.Metadata;
import dev.trimtab.checkpoint.MetadataValue;
import dev.trimtab.checkpoint.ValueType;
import dev.trimtab.checkpoint.coupling.Removal.LayerKeep;
import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.BadConfiguration;
import dev.trimtab.error.Unsupported;
import dev.trimtab.tensor.Cut;
import dev.trimtab.tensor.Shape;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// A model of three layers, hidden size 8, four heads of 3 in two KV groups, six neurons, ten tokens.
class StructureTest {
    private static final int LAYERS = 3;
    private static final int HIDDEN = 8;
    private static final int QUERY = 12;
    private static final int KEY = 6;
    private static final int INNER = 6;
    private static final int TOKENS = 10;

    private final Map<String, MetadataValue> keys = new LinkedHashMap<>();
    private final Map<String, Shape> shapes = new LinkedHashMap<>();
    private String architecture = "llama";

    @Test
    void leavesAModelAsItIsWhereNothingGoes() {
        Metadata metadata = model("llama");

        Structure structure = Structure.of(metadata, shapes, Removal.nothing(LAYERS));

        assertThat(structure.metadata()).isSameAs(metadata);
        assertThat(structure.parts().keySet()).containsExactlyElementsOf(shapes.keySet());
        structure.parts().forEach((name, part) -> {
            assertThat(part.source()).isEqualTo(name);
            assertThat(part.shape()).isEqualTo(shapes.get(name));
            assertThat(part.cuts()).isEmpty();
        });
    }

    @Test
    void cutsWhatBelongsToAKeyValueGroup() {
        Metadata metadata = model("llama");
        shapes.put("blk.1.attn_q.bias", Shape.of(QUERY));
        shapes.put("blk.1.attn_output.bias", Shape.of(HIDDEN));
        shapes.put("blk.1.attn_sub_norm.weight", Shape.of(QUERY));
        shapes.put("blk.1.attn_q_norm.weight", Shape.of(3));

        Structure left = Structure.of(
                metadata, shapes, Removal.nothing(LAYERS).with(1, new LayerKeep(Keep.some(1), Keep.all())));

        assertCut(left, "blk.1.attn_q.weight", Cut.Axis.ROWS, range(6, 12));
        assertCut(left, "blk.1.attn_q.bias", Cut.Axis.COLUMNS, range(6, 12));
        assertCut(left, "blk.1.attn_k.weight", Cut.Axis.ROWS, range(3, 6));
        assertCut(left, "blk.1.attn_v.weight", Cut.Axis.ROWS, range(3, 6));
        assertCut(left, "blk.1.attn_output.weight", Cut.Axis.COLUMNS, range(6, 12));
        assertCut(left, "blk.1.attn_sub_norm.weight", Cut.Axis.COLUMNS, range(6, 12));
        assertThat(cutNames(left))
                .containsExactlyInAnyOrder(
                        "blk.1.attn_q.weight",
                        "blk.1.attn_q.bias",
                        "blk.1.attn_k.weight",
                        "blk.1.attn_v.weight",
                        "blk.1.attn_output.weight",
                        "blk.1.attn_sub_norm.weight");
        assertThat(Objects.requireNonNull(left.parts().get("blk.1.attn_output.weight"))
                        .shape())
                .isEqualTo(Shape.of(HIDDEN, 6));
        assertThat(left.metadata().integers("llama.attention.head_count")).containsExactly(4, 2, 4);
        assertThat(left.metadata().integers("llama.attention.head_count_kv")).containsExactly(2, 1, 2);
    }

    @Test
    void cutsQueriesKeysAndValuesOfOneTensor() {
        Metadata metadata = model("phi3");
        shapes.put("blk.0.attn_qkv.weight", Shape.of(QUERY + 2 * KEY, HIDDEN));
        shapes.put("blk.0.attn_qkv.bias", Shape.of(QUERY + 2 * KEY));

        Structure left = Structure.of(
                metadata, shapes, Removal.nothing(LAYERS).with(0, new LayerKeep(Keep.some(0), Keep.all())));

        int[] kept = join(range(0, 6), range(12, 15), range(18, 21));
        assertCut(left, "blk.0.attn_qkv.weight", Cut.Axis.ROWS, kept);
        assertCut(left, "blk.0.attn_qkv.bias", Cut.Axis.COLUMNS, kept);
    }

    @Test
    void cutsWhatBelongsToANeuron() {
        Metadata metadata = model("llama");
        shapes.put("blk.2.ffn_up.bias", Shape.of(INNER));
        shapes.put("blk.2.ffn_down.bias", Shape.of(HIDDEN));
        shapes.put("blk.2.ffn_sub_norm.weight", Shape.of(INNER));

        Structure left = Structure.of(
                metadata, shapes, Removal.nothing(LAYERS).with(2, new LayerKeep(Keep.all(), Keep.some(1, 5))));

        assertCut(left, "blk.2.ffn_gate.weight", Cut.Axis.ROWS, 1, 5);
        assertCut(left, "blk.2.ffn_up.weight", Cut.Axis.ROWS, 1, 5);
        assertCut(left, "blk.2.ffn_up.bias", Cut.Axis.COLUMNS, 1, 5);
        assertCut(left, "blk.2.ffn_down.weight", Cut.Axis.COLUMNS, 1, 5);
        assertCut(left, "blk.2.ffn_sub_norm.weight", Cut.Axis.COLUMNS, 1, 5);
        assertThat(cutNames(left)).hasSize(5);
        assertThat(left.metadata().integers("llama.feed_forward_length")).containsExactly(6, 6, 2);
    }

    @Test
    void cutsBothHalvesWhereGateAndUpAreOneTensor() {
        Metadata metadata = model("phi3");
        shapes.remove("blk.0.ffn_gate.weight");
        shapes.put("blk.0.ffn_up.weight", Shape.of(2 * INNER, HIDDEN));

        Structure left = Structure.of(
                metadata, shapes, Removal.nothing(LAYERS).with(0, new LayerKeep(Keep.all(), Keep.some(0, 4))));

        assertCut(left, "blk.0.ffn_up.weight", Cut.Axis.ROWS, 0, 4, 6, 10);
    }

    @Test
    void cutsEachExpertByItsOwnList() {
        Metadata metadata = model("llama");
        keys.put("llama.expert_count", whole(2));
        keys.put("llama.expert_feed_forward_length", whole(INNER));
        shapes.keySet().removeIf(name -> name.startsWith("blk.0.ffn_"));
        shapes.put("blk.0.ffn_gate_inp.weight", Shape.of(2, HIDDEN));
        shapes.put("blk.0.ffn_up_exps.weight", Shape.of(2, INNER, HIDDEN));
        shapes.put("blk.0.ffn_down_exps.weight", Shape.of(2, HIDDEN, INNER));
        shapes.put("blk.0.ffn_gate.1.weight", Shape.of(INNER, HIDDEN));
        Keep each = new Keep.Some(List.of(new int[] {0, 1}, new int[] {2, 5}));

        Structure left = Structure.of(
                new Metadata("test", keys), shapes, Removal.nothing(LAYERS).with(0, new LayerKeep(Keep.all(), each)));

        assertThat(Objects.requireNonNull(left.parts().get("blk.0.ffn_up_exps.weight"))
                        .shape())
                .isEqualTo(Shape.of(2, 2, HIDDEN));
        assertThat(Objects.requireNonNull(left.parts().get("blk.0.ffn_down_exps.weight"))
                        .shape())
                .isEqualTo(Shape.of(2, HIDDEN, 2));
        assertThat(left.parts()
                        .get("blk.0.ffn_down_exps.weight")
                        .cuts()
                        .getFirst()
                        .kept())
                .hasSize(2);
        assertCut(left, "blk.0.ffn_gate.1.weight", Cut.Axis.ROWS, 2, 5);
        assertThat(Objects.requireNonNull(left.parts().get("blk.0.ffn_gate_inp.weight"))
                        .cuts())
                .isEmpty();
        assertThat(left.metadata().integers("llama.expert_feed_forward_length")).containsExactly(2, 6, 6);
        assertThat(metadata.integer("llama.feed_forward_length")).isEqualTo(INNER);
    }

    @Test
    void writesAScalarWhereAllLayersAgree() {
        Metadata metadata = model("llama");
        Removal removal = Removal.nothing(LAYERS);
        for (int i = 0; i < LAYERS; i++) {
            removal = removal.with(i, new LayerKeep(Keep.some(i % 2), Keep.some(i, 5)));
        }

        Metadata left = Structure.of(metadata, shapes, removal).metadata();

        assertThat(left.integer("llama.attention.head_count")).isEqualTo(2);
        assertThat(left.integer("llama.attention.head_count_kv")).isEqualTo(1);
        assertThat(left.integer("llama.feed_forward_length")).isEqualTo(2);
    }

    @Test
    void saysWhatTheNumberOfHeadsNoLongerDoes() {
        Metadata metadata = model("llama");
        keys.remove("llama.attention.key_length");
        keys.put("llama.embedding_length", whole(QUERY));
        shapes.clear();

        Metadata left = Structure.of(
                        new Metadata("test", keys),
                        shapes,
                        Removal.nothing(LAYERS).with(0, new LayerKeep(Keep.some(0), Keep.all())))
                .metadata();

        assertThat(left.integer("llama.attention.key_length")).isEqualTo(3);
        assertThat(left.integer("llama.attention.value_length")).isEqualTo(3);
        assertThat(left.integer("llama.rope.dimension_count")).isEqualTo(3);
        assertThat(ModelSizes.of(left).headDim())
                .isEqualTo(ModelSizes.of(new Metadata("test", keys)).headDim());
        assertThat(metadata.contains("llama.attention.value_length")).isFalse();
    }

    @Test
    void removesABlockWithAllThatIsInIt() {
        Metadata metadata = model("llama");

        Structure left = Structure.of(
                metadata,
                shapes,
                Removal.nothing(LAYERS)
                        .with(0, new LayerKeep(Keep.none(), Keep.all()))
                        .with(2, new LayerKeep(Keep.all(), Keep.none())));

        assertThat(left.parts().keySet()).noneMatch(name -> name.startsWith("blk.0.attn_"));
        assertThat(left.parts().keySet()).noneMatch(name -> name.startsWith("blk.2.ffn_"));
        assertThat(left.parts()).hasSize(shapes.size() - 5 - 4);
        assertThat(left.metadata().integers("llama.attention.head_count")).containsExactly(0, 4, 4);
        assertThat(left.metadata().integers("llama.attention.head_count_kv")).containsExactly(0, 2, 2);
        assertThat(left.metadata().integers("llama.feed_forward_length")).containsExactly(6, 6, 0);
        assertThat(ModelSizes.of(left.metadata()).layers()).hasSize(3);
    }

    @Test
    void movesLayersUpAndTheirEntriesWithThem() {
        model("llama");
        keys.put("llama.feed_forward_length", new MetadataValue.Wholes(ValueType.INT32, new long[] {6, 4, 2}));
        keys.put("llama.layer_flags", new MetadataValue.Flags(new boolean[] {true, false, true}));
        keys.put("llama.rope.sections", new MetadataValue.Wholes(ValueType.INT32, new long[] {1, 2, 3}));

        Structure left = Structure.of(
                new Metadata("test", keys), shapes, Removal.nothing(LAYERS).with(1, LayerKeep.NONE));

        assertThat(left.metadata().integer("llama.block_count")).isEqualTo(2);
        assertThat(left.metadata().integers("llama.feed_forward_length")).containsExactly(6, 2);
        assertThat(left.metadata().integers("llama.rope.sections")).hasSize(3);
        assertThat(((MetadataValue.Flags)
                                left.metadata().find("llama.layer_flags").orElseThrow())
                        .flags())
                .containsExactly(true, true);
        assertThat(Objects.requireNonNull(left.parts().get("blk.1.attn_q.weight"))
                        .source())
                .isEqualTo("blk.2.attn_q.weight");
        assertThat(left.parts()).doesNotContainKey("blk.2.attn_q.weight").hasSize(shapes.size() - 9);
    }

    @Test
    void keepsRowsOfTokens() {
        Metadata metadata = model("llama");
        shapes.put("output.weight", Shape.of(TOKENS, HIDDEN));
        Removal removal = new Removal(Removal.nothing(LAYERS).layers(), Keep.some(0, 1, 7));

        Structure left = Structure.of(metadata, shapes, removal);

        assertCut(left, "token_embd.weight", Cut.Axis.ROWS, 0, 1, 7);
        assertCut(left, "output.weight", Cut.Axis.ROWS, 0, 1, 7);
        assertThat(left.metadata().integer("llama.vocab_size")).isEqualTo(3);
    }

    @ParameterizedTest
    @CsvSource({"smollm3, every fourth", "gemma2, every second", "gemma3, every sixth"})
    void refusesToMoveLayersThatAreCounted(String family, String why) {
        Metadata metadata = model(family);

        assertThatThrownBy(() ->
                        Structure.of(metadata, shapes, Removal.nothing(LAYERS).with(0, LayerKeep.NONE)))
                .isInstanceOf(Unsupported.class)
                .hasMessageContaining(why);
        assertThat(Structure.of(metadata, shapes, Removal.nothing(LAYERS).with(2, LayerKeep.NONE))
                        .metadata()
                        .integer(family + ".block_count"))
                .isEqualTo(2);
    }

    @Test
    void refusesToMoveLayersWhoseWindowsAreCounted() {
        model("llama");
        keys.put("llama.attention.sliding_window_pattern", whole(2));
        Metadata metadata = new Metadata("test", keys);
        Removal removal = Removal.nothing(LAYERS).with(0, LayerKeep.NONE);

        assertThatThrownBy(() -> Structure.of(metadata, shapes, removal))
                .isInstanceOf(Unsupported.class)
                .hasMessageContaining("sliding_window_pattern");
    }

    @Test
    void movesWindowsThatAreListed() {
        model("gemma3");
        keys.put("gemma3.attention.sliding_window_pattern", new MetadataValue.Flags(new boolean[] {true, false, true}));

        Metadata left = Structure.of(
                        new Metadata("test", keys),
                        shapes,
                        Removal.nothing(LAYERS).with(0, LayerKeep.NONE))
                .metadata();

        MetadataValue.Flags flags = (MetadataValue.Flags)
                left.find("gemma3.attention.sliding_window_pattern").orElseThrow();
        assertThat(flags.flags()).containsExactly(false, true);
    }

    @Test
    void refusesRemovalsOfMoreThanThereIs() {
        Metadata metadata = model("llama");
        Removal all = Removal.nothing(LAYERS);

        assertRefused(metadata, all.with(0, new LayerKeep(Keep.some(2), Keep.all())), "KV groups");
        assertRefused(metadata, all.with(0, new LayerKeep(Keep.all(), Keep.some(0, 6))), "layer 0: neurons");
        assertRefused(metadata, all.with(0, new LayerKeep(Keep.all(), Keep.some())), "found none");
        assertRefused(
                metadata,
                all.with(0, new LayerKeep(Keep.all(), new Keep.Some(List.of(new int[] {0}, new int[] {1})))),
                "one list");
        assertRefused(metadata, Removal.nothing(2), "2 layers");
        assertRefused(metadata, new Removal(all.layers(), Keep.none()), "all tokens");
        Removal noAttention = all;
        for (int i = 0; i < LAYERS; i++) {
            noAttention = noAttention.with(i, new LayerKeep(Keep.none(), Keep.all()));
        }
        assertRefused(metadata, noAttention, "all attention");
    }

    private void assertRefused(Metadata metadata, Removal removal, String message) {
        assertThatThrownBy(() -> Structure.of(metadata, shapes, removal))
                .isInstanceOf(BadConfiguration.class)
                .hasMessageContaining(message);
    }

    @Test
    void refusesTensorsThatContradictTheMetadataOrAreUnknown() {
        Metadata metadata = model("llama");
        Removal removal = Removal.nothing(LAYERS).with(0, new LayerKeep(Keep.some(0), Keep.some(1)));
        shapes.put("blk.0.attn_k.weight", Shape.of(7, HIDDEN));

        assertThatThrownBy(() -> Structure.of(metadata, shapes, removal))
                .isInstanceOf(BadCheckpoint.class)
                .hasMessageContaining("blk.0.attn_k.weight: expected an extent of 6")
                .hasMessageContaining("[7, 8]");

        shapes.put("blk.0.attn_k.weight", Shape.of(KEY, HIDDEN));
        shapes.put("blk.0.ffn_gate_shexp.weight", Shape.of(KEY, HIDDEN));
        assertThatThrownBy(() -> Structure.of(metadata, shapes, removal))
                .isInstanceOf(Unsupported.class)
                .hasMessageContaining("ffn_gate_shexp");

        shapes.remove("blk.0.ffn_gate_shexp.weight");
        shapes.put("blk.7.ffn_gate.weight", Shape.of(KEY, HIDDEN));
        assertThatThrownBy(() -> Structure.of(metadata, shapes, removal))
                .isInstanceOf(BadCheckpoint.class)
                .hasMessageContaining("3 layers");
    }

    @Test
    void refusesSizesThatCannotBe() {
        model("llama");
        for (Map.Entry<String, MetadataValue> bad : Map.<String, MetadataValue>of(
                        "llama.block_count", whole(1 << 20),
                        "llama.attention.head_count", whole(0),
                        "llama.attention.head_count_kv",
                                new MetadataValue.Wholes(ValueType.INT32, new long[] {2, -1, 2}),
                        "llama.feed_forward_length", new MetadataValue.Wholes(ValueType.INT32, new long[] {1, 2}),
                        "llama.attention.key_length", whole(0))
                .entrySet()) {
            Map<String, MetadataValue> changed = new LinkedHashMap<>(keys);
            changed.put(bad.getKey(), bad.getValue());

            assertThatThrownBy(() -> ModelSizes.of(new Metadata("test", changed)))
                    .as(bad.getKey())
                    .isInstanceOf(BadCheckpoint.class)
                    .hasMessageContaining(bad.getKey());
        }
    }

    private Metadata model(String family) {
        architecture = family;
        keys.put("general.architecture", new MetadataValue.Text(family));
        key("embedding_length", HIDDEN);
        key("block_count", LAYERS);
        key("feed_forward_length", INNER);
        key("attention.head_count", 4);
        key("attention.head_count_kv", 2);
        key("attention.key_length", 3);
        key("vocab_size", TOKENS);
        shapes.put("token_embd.weight", Shape.of(TOKENS, HIDDEN));
        for (int i = 0; i < LAYERS; i++) {
            String prefix = "blk." + i + ".";
            shapes.put(prefix + "attn_norm.weight", Shape.of(HIDDEN));
            shapes.put(prefix + "attn_q.weight", Shape.of(QUERY, HIDDEN));
            shapes.put(prefix + "attn_k.weight", Shape.of(KEY, HIDDEN));
            shapes.put(prefix + "attn_v.weight", Shape.of(KEY, HIDDEN));
            shapes.put(prefix + "attn_output.weight", Shape.of(HIDDEN, QUERY));
            shapes.put(prefix + "ffn_norm.weight", Shape.of(HIDDEN));
            shapes.put(prefix + "ffn_gate.weight", Shape.of(INNER, HIDDEN));
            shapes.put(prefix + "ffn_up.weight", Shape.of(INNER, HIDDEN));
            shapes.put(prefix + "ffn_down.weight", Shape.of(HIDDEN, INNER));
        }
        return new Metadata("test", keys);
    }

    private void key(String name, long value) {
        keys.put(architecture + "." + name, whole(value));
    }

    private static MetadataValue whole(long value) {
        return new MetadataValue.Whole(ValueType.UINT32, value);
    }

    private static int[] range(int from, int to) {
        return IntStream.range(from, to).toArray();
    }

    private static int[] join(int[]... lists) {
        return Arrays.stream(lists).flatMapToInt(Arrays::stream).toArray();
    }

    private static Set<String> cutNames(Structure structure) {
        Map<String, Structure.Part> cut = new LinkedHashMap<>(structure.parts());
        cut.values().removeIf(part -> part.cuts().isEmpty());
        return cut.keySet();
    }

    private static void assertCut(Structure structure, String name, Cut.Axis axis, int... kept) {
        List<Cut> cuts = Objects.requireNonNull(structure.parts().get(name)).cuts();
        assertThat(cuts).as(name).hasSize(1);
        assertThat(cuts.getFirst().axis()).isEqualTo(axis);
        assertThat(cuts.getFirst().kept()).hasSize(1);
        assertThat(cuts.getFirst().kept().getFirst()).containsExactly(kept);
    }
}
