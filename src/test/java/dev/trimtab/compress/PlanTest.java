package dev.trimtab.compress;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.checkpoint.FamilyModel;
import dev.trimtab.checkpoint.TestCheckpoints;
import dev.trimtab.compress.recipe.Recipe;
import dev.trimtab.kernel.ActivationPrecision;
import dev.trimtab.kernel.KvEncodings;
import dev.trimtab.kernel.PackedFormat;
import dev.trimtab.model.ModelLoader;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/// Which rule wins for which tensor, what steps in where it cannot be carried out, and what it all takes.
class PlanTest {
    private static final Path DEMO = Path.of("src/main/resources/models/demo.gguf");

    @TempDir
    private Path folder;

    /// The documented order: name, pattern, class with range, range, class, everything, defaults; the later of
    /// equals.
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        [{scheme: int8}, {scheme: int5}]                                                             | INT5
        [{targets: attn, scheme: int8}, {scheme: int5}]                                              | INT8
        [{targets: attn, scheme: int8}, {targets: Linear, scheme: int5}]                             | INT8
        [{layers: 1, scheme: int8}, {targets: attn, scheme: int5}]                                   | INT8
        [{layers: 1, targets: attn, scheme: int8}, {layers: 0-2, scheme: int5}]                      | INT8
        [{targets: 'blk.*.attn_q*', scheme: int8}, {layers: 1, targets: attn, scheme: int5}]         | INT8
        [{targets: 're:q_proj$', scheme: int8}, {layers: 1, targets: attn, scheme: int5}]            | INT8
        [{targets: blk.1.attn_q.weight, scheme: int8}, {targets: 're:attn', scheme: int5}]           | INT8
        [{targets: model.layers.1.self_attn.q_proj, scheme: int8}, {targets: '*', scheme: int5}]     | INT8
        [{targets: [ffn, 're:attn_q'], scheme: int8}, {targets: attn, scheme: int5}]                 | INT8
        [{targets: ffn, scheme: int8}]                                                               | F16
        [{layers: 0, scheme: int8}, {layers: 2-, scheme: int5}]                                      | F16
        [{layers: -1, scheme: int8}, {layers: -2--1, scheme: int5}]                                  | INT8
        [{targets: [embed, head], scheme: int8}]                                                     | F16
        """)
    void theMorePreciseRuleWins(String quantize, PackedFormat expected) {
        assertThat(demoLike("quantize: " + quantize).format("blk.1.attn_q.weight"))
                .hasValue(expected);
    }

    @Test
    void theEarlierOfEqualsWinsWhereTheRecipeSaysSo() {
        String recipe = "tensor_types: ['attn_q=q8_0', 'attn=q4_0']\n";

        assertThat(demoLike(recipe).format("blk.0.attn_q.weight")).hasValue(PackedFormat.INT4);
        assertThat(demoLike("match: first\n" + recipe).format("blk.0.attn_q.weight"))
                .hasValue(PackedFormat.INT8);
    }

    @Test
    void defaultsDecideWhereNoRuleDoes() {
        Plan plan = demoLike("defaults: {scheme: q4_k_m}\nquantize: [{targets: Linear, layers: 0, scheme: int8}]");

        assertThat(plan.format("blk.0.attn_v.weight")).hasValue(PackedFormat.INT8);
        assertThat(plan.format("blk.1.attn_v.weight")).hasValue(PackedFormat.INT5_ASYMMETRIC);
        assertThat(plan.format("blk.1.attn_k.weight")).hasValue(PackedFormat.INT4_ASYMMETRIC);
        assertThat(plan.format("token_embd.weight")).hasValue(PackedFormat.INT6);
    }

    /// Reading a text may show that another layer matters least.
    @Test
    void aLayerThatIsThoughtToGoHasItsFormatAllTheSame() {
        Plan plan = demoLike("{prune: [{method: layer_drop, count: 1}], quantize: int8}");

        assertThat(plan.decisions()).anyMatch(decision -> decision.held() instanceof Held.Gone);
        assertThat(plan.format("blk.0.attn_v.weight")).hasValue(PackedFormat.INT8);
        assertThat(plan.format("blk.1.attn_v.weight")).hasValue(PackedFormat.INT8);
    }

    @Test
    void aTiedHeadIsOneDecisionByEitherName() {
        for (String target : List.of("embed", "head", "lm_head", "output.weight", "model.embed_tokens.weight")) {
            Plan plan = demoLike("quantize: [{targets: [" + target + "], scheme: int8}]");

            assertThat(plan.format("token_embd.weight")).as(target).hasValue(PackedFormat.INT8);
            assertThat(decision(plan, "token_embd.weight").why()).contains("embedding and head are one tensor");
        }
    }

    @Test
    void anEmbeddingOfItsOwnStaysAsStoredUntilARuleSaysMore() {
        try (Checkpoint checkpoint = TestCheckpoints.llama().untied().open()) {
            Plan kept = Plan.of(Recipe.parse("r", "quantize: [{targets: head, scheme: int8}]"), checkpoint);
            Plan packed = Plan.of(Recipe.parse("r", "quantize: int4"), checkpoint);

            assertThat(decision(kept, "token_embd.weight").held().label()).isEqualTo("stored f16");
            assertThat(kept.format("output.weight")).hasValue(PackedFormat.INT8);
            assertThat(packed.format("token_embd.weight")).hasValue(PackedFormat.INT4);
        }
    }

    @Test
    void routersStayAsStoredUntilTheyAreNamed() {
        String router = "blk.0.ffn_gate_inp.weight";
        Path file = new FamilyModel("llama")
                .matrix("token_embd.weight", 320, 64)
                .matrix(router, 4, 64)
                .matrix("blk.0.ffn_up_exps.weight", 4, 64, 64)
                .write(folder.resolve("experts.gguf"), 320);
        try (Checkpoint checkpoint = Checkpoint.open(file)) {
            Plan broad = Plan.of(Recipe.parse("r", "quantize: int4"), checkpoint);
            Plan named = Plan.of(Recipe.parse("r", "quantize: [{targets: '*_gate_inp', scheme: int8}]"), checkpoint);

            assertThat(broad.format(router)).hasValue(PackedFormat.F32);
            assertThat(decision(broad, router).why()).contains("a router stays as stored");
            assertThat(named.format(router)).hasValue(PackedFormat.INT8);
            assertThat(decision(broad, "blk.0.ffn_up_exps.weight").bytes())
                    .isEqualTo(4 * PackedFormat.INT4.packedBytes(64, 64));
        }
    }

    @ParameterizedTest
    @CsvSource({
        "'bits: 7', INT8, codes of 7 bits are held in 8",
        "'bits: 6, asymmetric: true', INT6_ASYMMETRIC, no target",
        "'scheme: q6_k', INT6, q6_k is held as int6 with f16 scales",
        "'scheme: q2_k', INT2_ASYMMETRIC, q2_k is held as int2_asym",
        "'bits: 3, asymmetric: true', INT3_ASYMMETRIC, no target"
    })
    void saysWhatIsNotCarriedOutToTheLetter(String entry, PackedFormat format, String why) {
        Plan plan = demoLike("quantize: [{" + entry + "}]");

        assertThat(plan.format("blk.0.attn_q.weight")).hasValue(format);
        assertThat(decision(plan, "blk.0.attn_q.weight").why()).contains(why);
        assertThat(decision(plan, "blk.0.attn_norm.weight").held()).isEqualTo(new Held.Vector());
    }

    @Test
    void namesRulesThatMeanNothingHere() {
        Plan plan = demoLike("quantize: [{targets: attn, scheme: int8}, {targets: 're:visual', scheme: int4}]");

        assertThat(plan.unusedRules()).containsExactly("quantize[1] {targets: re:visual, scheme: int4}");
    }

    @ParameterizedTest
    @CsvSource({"keep", "int8", "int4", "q4_k_m", "f32"})
    void takesTheBytesThatTheLoadedMatricesTake(String word) {
        try (Checkpoint checkpoint = Checkpoint.open(DEMO)) {
            Plan plan = Plan.of(Recipe.of(word, folder), checkpoint);
            var options = new ModelLoader.Options(plan::format, ActivationPrecision.INT8, KvEncodings.F16);
            long matrices = plan.decisions().stream()
                    .filter(decision -> !(decision.held() instanceof Held.Vector))
                    .mapToLong(Decision::bytes)
                    .sum();

            assertThat(ModelLoader.packedBytes(checkpoint, options)).isEqualTo(matrices);
        }
    }

    @Test
    void int4MakesTheDemoModelAsSmallAsItIsSaidToBe() {
        try (Checkpoint checkpoint = Checkpoint.open(DEMO)) {
            Plan plan = Plan.of(Recipe.of("int4", folder), checkpoint);

            assertThat(plan.decisions()).hasSize(56);
            assertThat(plan.bitsPerWeight()).isBetween(4.5, 4.7);
            assertThat(plan.bytes()).isBetween(2_300_000L, 2_500_000L);
        }
    }

    static Stream<Long> seeds() {
        return new Random(31).longs(200).boxed();
    }

    /// Whatever the rules, each tensor gets exactly one decision, always the same one.
    @ParameterizedTest
    @MethodSource("seeds")
    void everyTensorGetsExactlyOneDecision(long seed) {
        Random random = new Random(seed);
        String recipe = randomRecipe(random);
        try (Checkpoint checkpoint = random.nextBoolean()
                ? TestCheckpoints.llama().layers(4).open()
                : TestCheckpoints.llama().layers(3).untied().open()) {
            Plan plan = Plan.of(Recipe.parse("r.yaml", recipe), checkpoint);
            Plan again = Plan.of(Recipe.parse("r.yaml", recipe), checkpoint);

            Map<String, Decision> byName =
                    plan.decisions().stream().collect(Collectors.toMap(Decision::tensor, decision -> decision));
            assertThat(byName.keySet())
                    .as(recipe)
                    .isEqualTo(checkpoint.tensors().keySet());
            assertThat(plan.decisions()).isEqualTo(again.decisions());
            byName.values().forEach(decision -> {
                assertThat(decision.bytes()).isPositive();
                assertThat(plan.format(decision.tensor()).isPresent())
                        .isEqualTo(decision.held() instanceof Held.Packed);
            });
        }
    }

    private static String randomRecipe(Random random) {
        List<String> targets = List.of(
                "", "attn", "ffn", "embed", "head", "Linear", "'*'", "'re:(q|down)_proj'", "blk.1.ffn_up.weight");
        List<String> layers = List.of("", "0", "0-2", "1-", "-1", "-3--1", "7-9");
        List<String> schemes = List.of("keep", "f32", "bf16", "int8", "int6_asym", "int3", "q4_k", "int2_asym_g32");
        StringBuilder recipe = new StringBuilder();
        recipe.append(random.nextBoolean() ? "match: first\n" : "")
                .append(random.nextBoolean() ? "defaults: {scheme: q3_k_m}\n" : "");
        recipe.append("quantize:\n");
        for (int i = 0; i < 6; i++) {
            String target = targets.get(random.nextInt(targets.size()));
            String layer = layers.get(random.nextInt(layers.size()));
            recipe.append("  - {scheme: ").append(schemes.get(random.nextInt(schemes.size())));
            recipe.append(target.isEmpty() ? "" : ", targets: [" + target + "]");
            recipe.append(layer.isEmpty() ? "" : ", layers: " + layer).append("}\n");
        }
        return recipe.toString();
    }

    /// A plan for two tied layers of F16.
    private static Plan demoLike(String recipe) {
        try (Checkpoint checkpoint = TestCheckpoints.llama().open()) {
            return Plan.of(Recipe.parse("r.yaml", recipe), checkpoint);
        }
    }

    private static Decision decision(Plan plan, String tensor) {
        return plan.decisions().stream()
                .filter(decision -> decision.tensor().equals(tensor))
                .findFirst()
                .orElseThrow();
    }
}
