package dev.trimtab.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.checkpoint.FamilyModel;
import dev.trimtab.checkpoint.GgufWriter;
import dev.trimtab.checkpoint.coupling.Keep;
import dev.trimtab.checkpoint.coupling.ModelSizes;
import dev.trimtab.checkpoint.coupling.Removal;
import dev.trimtab.checkpoint.coupling.Removal.LayerKeep;
import dev.trimtab.checkpoint.coupling.Structure;
import dev.trimtab.model.Families.Case;
import dev.trimtab.tensor.Dequantizer;
import dev.trimtab.tensor.Shape;
import dev.trimtab.tensor.Tensor;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.function.IntPredicate;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// In every family, what adds nothing can be removed, and the smaller model gives the same logits.
class PrunedFamilyTest {
    private static final int[] IDS = new Random(8).ints(24, 0, 256).toArray();

    /// Float sums of fewer terms, in another order.
    private static final double TOLERANCE = 2e-5;

    @TempDir
    private Path folder;

    /// BitNet's sub-norms divide by the number of elements, so that removing zeros changes it: only its shapes
    /// are tested, below.
    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "BITNET")
    void losesGroupsAndNeuronsThatAddNothing(Case family) {
        Path file = family.make().write(folder.resolve("model.gguf"), Families.VOCAB);
        try (Checkpoint checkpoint = Checkpoint.open(file)) {
            ModelSizes sizes = ModelSizes.of(checkpoint.metadata());
            Removal removal = Removal.nothing(sizes.layers().size());
            Map<String, IntPredicate> zeros = new LinkedHashMap<>();
            for (int layer = 0; layer < sizes.layers().size(); layer++) {
                ModelSizes.LayerSizes of = sizes.layers().get(layer);
                int columns = of.queriesPerGroup() * sizes.headDim();
                if (of.numKeyValueHeads() > 1) {
                    zeros.put("blk." + layer + ".attn_output.weight", column -> column < columns);
                }
                zeros.put("blk." + layer + ".ffn_down.weight", column -> column % 3 == 1);
                zeros.put("blk." + layer + ".ffn_down_exps.weight", column -> column % 3 == 1);
                removal = removal.with(layer, new LayerKeep(groups(of), neurons(of, layer)));
            }

            assertSameLogits(checkpoint, zeros, removal);
        }
    }

    private static Keep groups(ModelSizes.LayerSizes sizes) {
        int groups = sizes.numKeyValueHeads();
        return groups > 1 ? Keep.some(IntStream.range(1, groups).toArray()) : Keep.all();
    }

    /// All in odd layers, so that sizes differ.
    private static Keep neurons(ModelSizes.LayerSizes sizes, int layer) {
        int inner = sizes.intermediateSize();
        return inner == 0 || layer % 2 == 1
                ? Keep.all()
                : Keep.some(IntStream.range(0, inner).filter(i -> i % 3 != 1).toArray());
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "BITNET")
    void losesBlocksThatAddNothing(Case family) {
        FamilyModel model = family.make();
        Path file = withoutBlockBiases(model).write(folder.resolve("model.gguf"), Families.VOCAB);
        try (Checkpoint checkpoint = Checkpoint.open(file)) {
            ModelSizes sizes = ModelSizes.of(checkpoint.metadata());
            Removal removal = Removal.nothing(sizes.layers().size())
                    .with(0, new LayerKeep(Keep.none(), Keep.all()))
                    .with(1, new LayerKeep(Keep.all(), Keep.none()));
            Map<String, IntPredicate> zeros = Map.of(
                    "blk.0.attn_output.weight", _ -> true,
                    "blk.1.ffn_down.weight", _ -> true,
                    "blk.1.ffn_down_exps.weight", _ -> true);
            boolean attendsOnlyFirst = sizes.layers().stream().skip(1).allMatch(layer -> layer.numKeyValueHeads() == 0);
            assertThat(attendsOnlyFirst).isFalse();

            assertSameLogits(checkpoint, zeros, removal);
        }
    }

    private static FamilyModel withoutBlockBiases(FamilyModel model) {
        return model.tensorIfPresent("blk.0.attn_output.bias", new float[Families.HIDDEN])
                .tensorIfPresent("blk.1.ffn_down.bias", new float[Families.HIDDEN]);
    }

    @ParameterizedTest
    @EnumSource(
            mode = EnumSource.Mode.INCLUDE,
            names = {"LLAMA", "LLAMA_YARN", "MIXTRAL", "DECI", "QWEN3", "PHI3_SHORT"})
    void losesALayerThatAddsNothing(Case family) {
        Path file = family.make().write(folder.resolve("model.gguf"), Families.VOCAB);
        try (Checkpoint checkpoint = Checkpoint.open(file)) {
            int layers = ModelSizes.of(checkpoint.metadata()).layers().size();
            Map<String, IntPredicate> zeros = Map.of(
                    "blk.0.attn_output.weight", _ -> true,
                    "blk.0.ffn_down.weight", _ -> true,
                    "blk.0.ffn_down_exps.weight", _ -> true);

            assertSameLogits(checkpoint, zeros, Removal.nothing(layers).with(0, LayerKeep.NONE));
        }
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.INCLUDE, names = "BITNET")
    void losesElementsOfSubNorms(Case family) {
        Path file = family.make().write(folder.resolve("model.gguf"), Families.VOCAB);
        try (Checkpoint checkpoint = Checkpoint.open(file)) {
            Removal removal = Removal.nothing(2)
                    .with(
                            1,
                            new LayerKeep(
                                    Keep.some(1),
                                    Keep.some(IntStream.range(0, 64).toArray())));

            float[] logits = logits(write(checkpoint, Map.of(), removal));

            for (float logit : logits) {
                assertThat(logit).isFinite();
            }
        }
    }

    private void assertSameLogits(Checkpoint checkpoint, Map<String, IntPredicate> zeros, Removal removal) {
        Removal nothing = Removal.nothing(removal.layers().size());
        float[] expected = logits(write(checkpoint, zeros, nothing));

        float[] found = logits(write(checkpoint, zeros, removal));

        double largest = 0;
        for (float logit : expected) {
            largest = Math.max(largest, Math.abs(logit));
        }
        for (int i = 0; i < expected.length; i++) {
            assertThat((double) found[i]).as("logit %d", i).isCloseTo(expected[i], within(TOLERANCE * largest));
        }
    }

    /// The checkpoint with the columns that `zeros` names set to zero, and then without what `removal` removes.
    private Path write(Checkpoint checkpoint, Map<String, IntPredicate> zeros, Removal removal) {
        Map<String, Shape> shapes = checkpoint.tensors().values().stream()
                .collect(Collectors.toMap(Tensor::name, Tensor::shape, (a, _) -> a, LinkedHashMap::new));
        Structure structure = Structure.of(checkpoint.metadata(), shapes, removal);
        GgufWriter writer = new GgufWriter();
        structure.metadata().values().forEach(writer::put);
        structure.parts().forEach((name, part) -> {
            Tensor tensor = checkpoint.tensor(part.source());
            IntPredicate zero = zeros.getOrDefault(part.source(), _ -> false);
            Tensor left = part.apply(withZeros(tensor, zero));
            assertThat(left.shape()).isEqualTo(part.shape());
            writer.tensor(new Tensor(name, left.encoding(), left.shape(), left.data()));
        });
        Path path = folder.resolve("written.gguf");
        writer.write(path);
        return path;
    }

    private static Tensor withZeros(Tensor tensor, IntPredicate zero) {
        int[] extents =
                tensor.shape().extents().stream().mapToInt(Math::toIntExact).toArray();
        float[] values = new float[Math.toIntExact(tensor.shape().elements())];
        Dequantizer.decode(tensor.encoding(), tensor.data(), 0, values, 0, values.length);
        int columns = extents[extents.length - 1];
        for (int i = 0; i < values.length; i++) {
            values[i] = zero.test(i % columns) ? 0 : values[i];
        }
        return FamilyModel.plain(tensor.name(), values, extents);
    }

    private static float[] logits(Path file) {
        try (ModelRun run = ModelRun.of(file, ModelLoader.Options.EXACT)) {
            return run.logitsAfter(IDS);
        }
    }
}
