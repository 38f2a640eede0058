package dev.trimtab.compress.recipe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trimtab.error.BadConfiguration;
import dev.trimtab.error.Unsupported;
import dev.trimtab.kernel.KvEncoding;
import dev.trimtab.kernel.KvEncodings;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// What a recipe may say, and what each mistake is answered with.
class RecipeTest {
    @TempDir
    private Path folder;

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        {}                                                                   | 0
        quantize: int4                                                       | 1
        quantize: Q4_K_M                                                     | 3
        defaults: {scheme: q4_k_m}                                           | 3
        {version: 1, match: first, quantize: [{scheme: int8}]}               | 1
        quantize: {targets: attn, layers: 0-2, scheme: q6_k}                 | 1
        quantize: [{targets: [Linear], bits: 4, asymmetric: true, group: 32}] | 1
        quantize: [{layers: [0-2, -2-, 7], scheme: int8, rounding: nearest}] | 1
        tensor_types: ['attn_v=q6_k', '\\.[13]\\.ffn_down=q5_k']            | 2
        topology: {0-8: {isq: Q4K}, 8: {isq: Q8_0, device: cpu}}             | 2
        topology: {'/lm_head/': {isq: 8}, '-2-': {}}                         | 1
        {"quantize": [{"targets": ["embed"], "scheme": "keep"}]}             | 1
        prune: [{method: flap, targets: [attn, ffn], ratio: 0.15, unit: {attn: kv_group, ffn: neuron}}] | 1
        prune: [{method: wanda, targets: ['re:down'], sparsity: 0.5, structure: '2:4'}] | 1
        prune: [{method: magnitude, sparsity: 0.3, structure: vector}, {method: layer_drop, layers: auto, count: 2}] | 2
        prune: [{method: layer_drop, layers: [3], unit: attn_sublayer}]      | 1
        prune: [{method: flap, ratio: 0.2, enabled: false}]                  | 0
        lowrank: [{method: svd, whiten: diag, targets: ['re:o_proj$'], energy: 0.9, only_if_smaller: true}] | 1
        quantize: [{scheme: int4, rounding: gptq, block: 128, dampening: 0.01}] | 1
        compensate: [{method: eora, targets: [ffn], rank: 16, budget_mb: 24, store: q8_0}] | 1
        {statistics: {corpus: 'file:x.txt', tokens: 8192}, defaults: {scheme: int4, seed: 9}} | 1
        evaluate: {tokens: 4096, gates: {kld_mean: '<=0.05'}, on_fail: warn} | 0
        adapters: [{name: sql, path: sql.gguf, scale: 0.5, mode: merge}]     | 0
        """)
    void readsWhatTheSchemaSays(String yaml, int rules) {
        assertThat(Recipe.parse("r.yaml", yaml).rules()).hasSize(rules);
    }

    @ParameterizedTest
    @CsvSource({
        "f16, F16, F16",
        "Q8, Q8, Q8",
        "bf16, BF16, BF16",
        "f32, F32, F32",
        "'{k: q8_0, v: q8}', Q8, Q8",
        "'{k: q8, v: q4}', Q8, Q4",
        "'{v: Q4_0, k: f16}', F16, Q4",
        "'{k: q8, v: f16}', Q8, F16"
    })
    void readsHowKeysAndValuesAreHeld(String yaml, KvEncoding keys, KvEncoding values) {
        assertThat(Recipe.parse("r.yaml", "kv: " + yaml).kv()).hasValue(new KvEncodings(keys, values));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        quantise: int4                                | r.yaml:1: unknown key `quantise`; did you mean `quantize`?
        quantize: int44                               | quantize: unknown scheme `int44`; did you mean `int4`?
        quantize: [{tragets: [attn], scheme: int4}]   | quantize[0]: unknown key `tragets`; did you mean `targets`?
        quantize: [{targets: [atn], scheme: int4}]    | quantize[0].targets: target `atn`; did you mean `attn`?
        quantize: [{targets: attn, scheme: q4_km}]    | unknown scheme `q4_km`; did you mean `q4_k`?
        quantize: [{scheme: q4_k_m}]                  | is a mixture over the whole model
        quantize: [{targets: attn}]                   | either `scheme` or `bits` expected
        quantize: [{scheme: int4, bits: 4}]           | either `scheme` or `bits` expected
        quantize: [{bits: 9}]                         | quantize[0].bits: a whole number in 2..8 expected, found `9`
        quantize: [{bits: 99999999999999999999}]      | a whole number in 2..8 expected
        quantize: [{bits: -1}]                        | a whole number in 2..8 expected
        quantize: [{bits: 4, asymmetric: maybe}]      | true or false expected
        quantize: [{scheme: int4, asymmetric: true}]  | goes with `bits`
        quantize: [{layers: 8-2, scheme: int4}]       | layers 8-2 are none
        quantize: [{layers: 2-2, scheme: int4}]       | layers 2-2 are none
        quantize: [{layers: all, scheme: int4}]       | found `all`
        quantize: [{layers: 999999-, scheme: int4}]   | found `999999-`
        quantize: [{targets: 're:(', scheme: int4}]   | quantize[0].targets: pattern `(`: `(` without `)`
        quantize: [[int4]]                            | quantize[0]: keys and values expected
        quantize:                                     | quantize: one word expected
        version: 2                                    | version: a whole number in 1..1 expected, found `2`
        match: best                                   | first or last expected
        kv: q4                                        | kv: keys in q4: f32, f16, bf16 or q8 expected
        kv: {k: q4, v: q8}                            | kv.k: keys in q4: f32, f16, bf16 or q8 expected
        kv: {k: q8, v: q5}                            | kv.v: f32, f16, bf16, q8 or, for values, q4 expected, found `q5`
        kv: {k: q8}                                   | kv.v: both `k` and `v` expected
        kv: {v: q4}                                   | kv.k: both `k` and `v` expected
        kv: {k: q8, v: [q4]}                          | kv.v: one word expected
        tensor_types: [attn_v]                        | PATTERN=SCHEME expected
        topology: {0-8: {ipq: Q4K}}                   | topology.0-8: unknown key `ipq`; did you mean `isq`?
        [int4]                                        | keys and values expected
        int4                                          | keys and values expected
        {quantize: int4, quantize: int8}              | stands here twice
        prune: [{ratio: 0.5}]                         | prune[0].method: one of flap
        prune: [{method: flop, ratio: 0.5}]           | found `flop`; did you mean `flap`?
        prune: [{method: flap}]                       | prune[0].ratio: the share of units to remove expected
        prune: [{method: flap, ratio: 1}]             | a number in 0.0..0.95 expected, found `1`
        prune: [{method: flap, ratio: 0.1, targets: head}] | attn, ffn or both expected
        prune: [{method: flap, sparsity: 0.1}]        | give it a `ratio`
        prune: [{method: wanda, ratio: 0.1}]          | give it a `sparsity`
        prune: [{method: wanda, sparsity: 0.4, structure: '2:4'}] | sparsity 0.5 expected, found 0.4
        prune: [{method: wanda, sparsity: 0.4, structure: blocks}] | unstructured, vector or N:M
        prune: [{method: layer_drop}]                 | either `layers` by number or `count` expected
        prune: [{method: vocab}]                      | either `keep` (tokens, or their share) or `coverage`
        prune: [{method: vocab, keep: 10, coverage: 0.5}] | either `keep`
        prune: [{method: vocab, keep: 1.5}]           | a whole number in 1..
        prune: [{method: vocab, keep: 0.5, targets: [embed]}] | targets: does not go with vocab
        prune: [{method: vocab, keep: 9}, {method: vocab, keep: 8}] | one entry about the vocabulary expected
        prune: [{method: vocab, keep: 9, keep_corpus: a.txt}] | builtin or file:PATH expected, found `a.txt`
        lowrank: [{rank: 4, energy: 0.5}]             | either `rank` or `energy` expected
        lowrank: [{only_if_smaller: false}]           | is never taken
        compensate: [{method: eura}]                  | did you mean `eora`?
        compensate: [{store: q4_0}]                   | one of q8_0, f16 expected, found `q4_0`
        statistics: {corpus: wiki}                    | builtin, file:PATH or imatrix:PATH expected
        adapters: [{path: a, mode: live}]             | live adapters belong to the model
        evaluate: {gates: fast}                       | metrics with their bounds expected
        quantize: [{scheme: int4, rounding: gtpq}]    | did you mean `gptq`?
        quantize: [{scheme: int4, rounding: gptq, block: 64}] | one of 128 expected, found `64`
        quantize: [{scheme: f16, rounding: gptq}]     | do not go together
        quantize: [{scheme: keep, rounding: hqq}]     | leaves no codes to choose
        quantize: [{bits: 4, group: 48}]              | one of 32, 64, 128, row expected
        {quantize: int4                               | r.yaml:
        """)
    void refusesMistakesWithPlaceAndRemedy(String yaml, String message) {
        assertThatThrownBy(() -> Recipe.parse("r.yaml", yaml))
                .isInstanceOf(BadConfiguration.class)
                .hasMessageStartingWith("r.yaml:1: ")
                .hasMessageContaining(message);
    }

    @Test
    void namesTheLineOfAMistake() {
        assertThatThrownBy(
                        () -> Recipe.parse("r.yaml", "version: 1\nquantize:\n  - {scheme: int4}\n  - {sceme: int8}\n"))
                .hasMessageStartingWith("r.yaml:4: quantize[1]: unknown key `sceme`");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "model: {adapters: []}",
                "autotune: {enabled: true}",
                "variants: {base: {use: none}}",
                "kv: {k: q8, v: q8, rotate: true}",
                "topology: {0-8: {isq: Q4K, device: 'cuda[0]'}}"
            })
    void refusesByNameWhatComesLater(String yaml) {
        assertThatThrownBy(() -> Recipe.parse("r.yaml", yaml))
                .isInstanceOf(Unsupported.class)
                .hasMessageStartingWith("r.yaml:1: ");
    }

    @Test
    void refusesWhatIsMadeToHurt() {
        String deep = "quantize: " + "[".repeat(100_000);
        String bomb = "a: &a [x, x]\nb: &b [*a, *a]\nquantize: [*b, *b]\n";
        String wide = "quantize: [" + "{scheme: int4},".repeat(20_000) + "]";
        String long_ = "# " + "x".repeat(YamlReader.SIZE_MAX);
        String two = "quantize: int4\n---\nquantize: int8\n";

        for (String yaml :
                new String[] {deep, bomb, wide, long_, two, "", "\u0000", "? [a, b]\n: c", "!!java.net.URL x"}) {
            assertThatThrownBy(() -> Recipe.parse("r.yaml", yaml)).isInstanceOf(BadConfiguration.class);
        }
    }

    @Test
    void aWordIsASchemeOrAFileBelowTheFolder() throws Exception {
        Files.writeString(folder.resolve("mine.yaml"), "kv: q8\nquantize: int8\n");

        assertThat(Recipe.of("int4", folder).kv()).isEqualTo(Optional.empty());
        assertThat(Recipe.of("mine.yaml", folder).kv()).hasValue(KvEncodings.alike(KvEncoding.Q8));
        assertThatThrownBy(() -> Recipe.of("itn4", folder))
                .isInstanceOf(BadConfiguration.class)
                .hasMessageContaining("recipe `itn4`: neither a file nor a known scheme; did you mean `int4`?");
    }
}
