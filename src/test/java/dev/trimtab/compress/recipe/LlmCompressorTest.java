package dev.trimtab.compress.recipe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.compress.Plan;
import dev.trimtab.compress.quantize.Gptq;
import dev.trimtab.compress.quantize.Rounding;
import dev.trimtab.compress.recipe.Stages.Quantize;
import dev.trimtab.compress.recipe.Stages.Sparsity;
import dev.trimtab.error.BadConfiguration;
import dev.trimtab.error.Unsupported;
import dev.trimtab.kernel.KvEncoding;
import dev.trimtab.kernel.KvEncodings;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Recipes as llm-compressor's users have them: what each matrix of the demo model gets, and what is refused.
class LlmCompressorTest {
    private static final Path DEMO = Path.of("src/main/resources/models/demo.gguf");

    /// As people write it, stage by stage.
    private static final String SPARSE_THEN_QUANTIZED = """
            sparsity_stage:
              run_type: oneshot
              sparsity_modifiers:
                SparseGPTModifier:
                  sparsity: 0.5
                  mask_structure: "2:4"
                  targets: ["Linear"]
                  ignore: ["re:.*lm_head"]
            quantization_stage:
              run_type: oneshot
              quantization_modifiers:
                GPTQModifier:
                  ignore: ["lm_head", "re:.*layers\\\\.0\\\\..*"]
                  dampening_frac: 0.02
                  block_size: 128
                  actorder: null
                  config_groups:
                    group_0:
                      weights: {num_bits: 4, type: int, symmetric: true, strategy: group, group_size: 128}
                      targets: ["Linear"]
            """;

    /// As the tool writes it beside a model, with every default spelled out.
    private static final String SAVED = """
            default_stage:
              default_modifiers:
                AWQModifier:
                  config_groups:
                    group_0:
                      targets: [Linear]
                      weights:
                        num_bits: 4
                        type: int
                        symmetric: false
                        group_size: 64
                        strategy: group
                        block_structure: null
                        dynamic: false
                        actorder: null
                        scale_dtype: null
                        zp_dtype: torch.int8
                        observer: mse
                        observer_kwargs: {}
                      input_activations: null
                      output_activations: null
                      format: null
                  targets: [Linear]
                  ignore: [lm_head]
                  mappings:
                  - smooth_layer: re:.*input_layernorm$
                    balance_layers: ['re:.*q_proj$', 're:.*k_proj$', 're:.*v_proj$']
                    activation_hook_target: null
                  duo_scaling: true
                  n_grid: 20
            """;

    private static Recipe parse(String yaml) {
        return Recipe.parse("recipe.yaml", yaml);
    }

    /// What `recipe` does to tensor `name` of the demo model; empty leaves it as it is.
    private static Optional<Quantize> quantize(String recipe, String name) {
        return winner(parse(recipe).quantize(), name);
    }

    private static <T> Optional<T> winner(RuleSet<T> rules, String name) {
        try (Checkpoint checkpoint = Checkpoint.open(DEMO)) {
            Subject subject = Subject.of(
                    checkpoint, Objects.requireNonNull(checkpoint.tensors().get(name)));
            return rules.winner(subject, 8).map(won -> won.rule().action());
        }
    }

    /// A modifier of a stage of its own.
    private static String modifier(String name, String arguments) {
        return "quant_stage: {quant_modifiers: {" + name + ": {" + arguments + "}}}";
    }

    @Test
    void readsStagesWithGroupsAndWhatTheyIgnore() {
        Quantize layer1 = quantize(SPARSE_THEN_QUANTIZED, "blk.1.ffn_up.weight").orElseThrow();
        Sparsity pruned = winner(parse(SPARSE_THEN_QUANTIZED).extras().sparsity(), "blk.0.attn_q.weight")
                .orElseThrow();

        assertThat(layer1.scheme().name()).isEqualTo("int4_sym_g128");
        assertThat(layer1.rounding()).isEqualTo(Rounding.GPTQ);
        assertThat(layer1.gptq()).isEqualTo(new Gptq.Options(0.02, Gptq.Order.AS_STORED));
        assertThat(quantize(SPARSE_THEN_QUANTIZED, "blk.0.ffn_up.weight")).isEmpty();
        assertThat(quantize(SPARSE_THEN_QUANTIZED, "token_embd.weight")).isEmpty();
        assertThat(pruned.share()).isEqualTo(0.5);
        assertThat(pruned.pattern()).isEqualTo(new Sparsity.Pattern.NofM(2, 4));
        assertThat(winner(parse(SPARSE_THEN_QUANTIZED).extras().sparsity(), "token_embd.weight"))
                .isEmpty();
    }

    @Test
    void readsWhatTheToolLeavesBesideAModel() {
        Quantize scaled = quantize(SAVED, "blk.3.attn_v.weight").orElseThrow();
        Quantize other = quantize(SAVED, "blk.3.ffn_down.weight").orElseThrow();

        assertThat(List.of(scaled.scheme().name(), other.scheme().name())).containsOnly("int4_asym_g64");
        assertThat(scaled.rounding()).isEqualTo(Rounding.AWQ);
        assertThat(other.rounding()).isEqualTo(Rounding.IMPORTANCE);
        assertThat(quantize(SAVED, "token_embd.weight")).isEmpty();
    }

    @Test
    void awqScalesForTheQuantizationBehindItAndForNoOther() {
        String recipe = """
                quant_stage:
                  quant_modifiers:
                    AWQModifier: {duo_scaling: both}
                    QuantizationModifier:
                      {ignore: [lm_head], scheme: W4A16_ASYM, targets: ["re:.*self_attn\\\\.(k|q|o|v)_proj$"]}
                    GPTQModifier: {scheme: W8A8, targets: ["re:.*mlp\\\\.(down|gate|up)_proj$"]}
                """;

        Quantize attention = quantize(recipe, "blk.2.attn_output.weight").orElseThrow();
        Quantize feedForward = quantize(recipe, "blk.2.ffn_gate.weight").orElseThrow();

        assertThat(attention.rounding()).isEqualTo(Rounding.AWQ);
        assertThat(attention.scheme().name()).isEqualTo("int4_asym_g128");
        assertThat(feedForward.rounding()).isEqualTo(Rounding.GPTQ);
        assertThat(feedForward.scheme().name()).isEqualTo("int8_sym_row");
        assertThat(feedForward.gptq().order()).isEqualTo(Gptq.Order.AS_STORED);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        scheme: W8A16                                                              | int8_sym_g128
        scheme: w4a16                                                              | int4_sym_g128
        scheme: INT8                                                               | int8_sym_row
        scheme: FP8_DYNAMIC                                                        | fp8_e4m3
        scheme: NVFP4A16                                                           | nvfp4
        scheme: UNQUANTIZED                                                        | keep
        scheme: {W8A8: [Linear], W4A16: ['re:.*up_proj']}                          | int4_sym_g128
        config_groups: {a: {targets: [Linear], weights: {num_bits: 8, strategy: channel}}} | int8_sym_row
        config_groups: {a: {targets: [Linear], weights: {num_bits: 3, group_size: 32}}}    | int3
        config_groups: {a: {targets: [Linear], weights: {num_bits: 4, type: float, group_size: 32}}} | mxfp4
        config_groups: {a: {weights: {type: float, strategy: block, block_structure: [128, 128]}}} | fp8_e4m3
        config_groups: {a: {targets: [blk.1.ffn_up.weight], weights: null}}        | keep
        """)
    void readsPresetsAndWhatSpellsThemOut(String arguments, String scheme) {
        Quantize found = quantize(modifier("QuantizationModifier", arguments), "blk.1.ffn_up.weight")
                .orElseThrow();

        assertThat(found.scheme().name()).isEqualTo(scheme);
        assertThat(found.rounding()).isEqualTo(Rounding.NEAREST);
    }

    @Test
    void patternsBeginWhereNamesDo() {
        String recipe =
                modifier("QuantizationModifier", "scheme: W8A16, targets: ['re:self_attn', 're:model.layers.1']");

        assertThat(quantize(recipe, "blk.1.attn_q.weight")).isPresent();
        assertThat(quantize(recipe, "blk.2.attn_q.weight")).isEmpty();
    }

    @Test
    void readsTheRest() {
        String group = modifier("GPTQModifier", "scheme: W4A16, kv_cache_scheme: {num_bits: 8, type: float}");

        assertThat(parse(group).kv()).hasValue(KvEncodings.alike(KvEncoding.Q8));
        assertThat(quantize(group, "blk.0.attn_q.weight").orElseThrow().gptq().order())
                .isEqualTo(Gptq.Order.DESCENDING);
        assertThat(winner(
                        parse(modifier("WandaPruningModifier", "sparsity: 0.75, mask_structure: '3:4'"))
                                .extras()
                                .sparsity(),
                        "blk.0.attn_q.weight"))
                .map(Sparsity::pattern)
                .hasValue(new Sparsity.Pattern.NofM(1, 4));
    }

    @Test
    void everyRuleMeansSomethingAndMakesTheDemoModelSmaller() {
        try (Checkpoint checkpoint = Checkpoint.open(DEMO)) {
            long kept = Plan.of(Recipe.KEEP, checkpoint).bytes();
            for (String recipe : List.of(SPARSE_THEN_QUANTIZED, SAVED)) {
                Plan plan = Plan.of(parse(recipe), checkpoint);

                assertThat(plan.unusedRules()).isEmpty();
                assertThat(plan.bytes()).isLessThan(kept);
            }
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        {quant_stage: {}, quantize: int4}                      | unknown key `quantize`; known here: quant_stage
        {quant_stage: {quant_modifers: {}}}                    | `quant_modifers`; did you mean `quant_modifiers`?
        {quant_stage: {quant_modifiers: {GPTQModifer: {}}}}    | unknown key `GPTQModifer`; did you mean `GPTQModifier`?
        {quant_stage: {quant_modifiers: [GPTQModifier]}}       | quant_stage.quant_modifiers: keys and values expected
        {quant_stage: {quant_modifiers: {GPTQModifier: {}}}}   | either `scheme` or `config_groups` expected
        {s_stage: {s_modifiers: {AWQModifier: {}}}}            | scheme: expected, or a QuantizationModifier behind it
        {s_stage: {s_modifiers: {WandaPruningModifier: {}}}}   | the share of weights to remove expected
        {s_stage: {s_modifiers: {WandaPruningModifier: {sparsity: 0.4, mask_structure: '2:4'}}}} | sparsity 0.5 expected
        {s_stage: {s_modifiers: {WandaPruningModifier: {sparsity: 0.5, mask_structure: '4:2'}}}} | mask_structure
        {q_stage: {q_modifiers: {GPTQModifier: {scheme: W4A17}}}}                    | did you mean `W4A16`?
        {q_stage: {q_modifiers: {GPTQModifier: {scheme: W4A16, dampning_frac: 1}}}}  | did you mean `dampening_frac`?
        {q_stage: {q_modifiers: {GPTQModifier: {scheme: W4A16, dampening_frac: 2}}}} | a number in 0.0..1.0 expected
        {q_stage: {q_modifiers: {GPTQModifier: {scheme: W4A16, actorder: first}}}}   | static, group or null expected
        {q_stage: {q_modifiers: {GPTQModifier: {scheme: FP8}}}}                      | do not go together
        {q_stage: {q_modifiers: {GPTQModifier: {scheme: W4A16, targets: [LlamaMLP]}}}}   | target `LlamaMLP`
        {q_stage: {q_modifiers: {GPTQModifier: {scheme: W4A16, ignore: ['re:(']}}}}      | ignore: pattern
        {q_stage: {q_modifiers: {GPTQModifier: {config_groups: {g: {weights: {num_bit: 4}}}}}}} | mean `num_bits`?
        {q_stage: {q_modifiers: {GPTQModifier: {config_groups: [a]}}}}               | keys and their values expected
        {q_stage: {q_modifiers: {GPTQModifier: {config_groups: {g: {weights: {num_bits: 9}}}}}}} | 2..8 expected
        """)
    void refusesMistakesWithPlaceAndRemedy(String yaml, String message) {
        assertThatThrownBy(() -> parse(yaml))
                .isInstanceOf(BadConfiguration.class)
                .hasMessageStartingWith("recipe.yaml:1: ")
                .hasMessageContaining(message);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        SmoothQuantModifier     | smoothing_strength: 0.8              | leave it out
        ConstantPruningModifier | start: 0                             | nothing is trained here
        SparseGPTModifier       | sparsity: 0.5, sparsity_profile: owl | sparsity_profile
        SparseGPTModifier       | sparsity: 0.5, dampening_frac: 0.1   | 0.01 expected
        QuantizationModifier    | scheme: NVFP4                        | NVFP4A16 expected
        GPTQModifier            | scheme: W4A16, actorder: group       | static expected
        QuantizationModifier    | scheme: W8A8, kv_cache_scheme: {num_bits: 4}   | 8 bits expected
        QuantizationModifier    | config_groups: {g: {output_activations: {}}}   | output_activations
        QuantizationModifier    | config_groups: {g: {input_activations: {num_bits: 4}}} | 8 bits or more
        QuantizationModifier    | config_groups: {g: {weights: {num_bits: 4, group_size: 48}}} | groups of 32, 64, 128
        QuantizationModifier    | config_groups: {g: {weights: {strategy: block}}}       | tensor, channel or group
        QuantizationModifier    | config_groups: {g: {weights: {dynamic: true}}}         | quantized once
        """)
    void refusesByNameWhatCannotBeDone(String name, String arguments, String message) {
        assertThatThrownBy(() -> parse(modifier(name, arguments)))
                .isInstanceOf(Unsupported.class)
                .hasMessageStartingWith("recipe.yaml:1: quant_stage")
                .hasMessageContaining(message);
    }

    @Test
    void refusesStagesThatTrain() {
        assertThatThrownBy(() -> parse("finetuning_stage: {run_type: train, finetuning_modifiers: {}}"))
                .isInstanceOf(Unsupported.class)
                .hasMessageContaining("oneshot expected");
    }
}
