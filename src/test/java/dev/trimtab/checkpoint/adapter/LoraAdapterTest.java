package dev.trimtab.checkpoint.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.assertj.core.api.Assertions.within;

import dev.trimtab.SharedData;
import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.checkpoint.FamilyModel;
import dev.trimtab.checkpoint.GgufWriter;
import dev.trimtab.checkpoint.MetadataValue;
import dev.trimtab.checkpoint.TestCheckpoints;
import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.NotFound;
import dev.trimtab.error.TrimtabException;
import dev.trimtab.error.Unsupported;
import dev.trimtab.kernel.RopePairing;
import dev.trimtab.model.Architecture;
import dev.trimtab.tensor.Shape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class LoraAdapterTest {
    private static final Path DEMO = Path.of("src/main/resources/models/demo.gguf");
    private static final String QUERY = "blk.0.attn_q.weight";
    private static final String HEAD = "output.weight";

    @TempDir
    private Path folder;

    private static TestAdapters queries(int rank) {
        try (Checkpoint demo = Checkpoint.open(DEMO)) {
            return TestAdapters.random(demo, rank, 1, QUERY::equals);
        }
    }

    private Path file(TestAdapters adapter) {
        return adapter.write(folder.resolve("adapter.gguf"));
    }

    private Path peft(TestAdapters adapter, String more) {
        return adapter.writeFolder(folder.resolve("peft"), 32, more);
    }

    @Test
    void readsFactorsAndScaleOfGguf() {
        try (LoraAdapter adapter = LoraAdapter.open(file(queries(8).alpha(16)))) {
            LoraTarget target = Objects.requireNonNull(adapter.targets().get(QUERY));

            assertThat(adapter.architecture()).contains("llama");
            assertThat(adapter.targets().keySet()).containsExactly(QUERY);
            assertThat(target.a().shape()).isEqualTo(Shape.of(8, 256));
            assertThat(target.b().shape()).isEqualTo(Shape.of(256, 8));
            assertThat(target.scale()).isEqualTo(2);
        }
    }

    /// As llama.cpp has it.
    @Test
    void anAlphaOfZeroScalesByOne() {
        try (LoraAdapter adapter = LoraAdapter.open(file(queries(8).alpha(0)))) {
            assertThat(Objects.requireNonNull(adapter.targets().get(QUERY)).scale())
                    .isOne();
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "'' ; 4",
                "', \"use_rslora\": true' ; 8",
                "', \"alpha_pattern\": {\"q_proj\": 2}' ; 0.5",
                "', \"alpha_pattern\": {\"k_proj\": 2, \"layers.0.self_attn.q_proj\": 6}' ; 1.5",
                "', \"rank_pattern\": {\"q_proj\": 4}, \"alpha_pattern\": {}' ; 4"
            })
    void readsPeftsScales(String more, float scale) {
        try (LoraAdapter adapter = LoraAdapter.open(peft(queries(4), more))) {
            assertThat(adapter.architecture()).isEmpty();
            assertThat(Objects.requireNonNull(adapter.targets().get(QUERY)).scale())
                    .isCloseTo(scale, within(1e-6f));
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                ", \"use_dora\": true",
                ", \"bias\": \"all\"",
                ", \"modules_to_save\": [\"lm_head\"]",
                ", \"layer_replication\": [[0, 4], [2, 6]]",
                ", \"init_lora_weights\": \"pissa_niter_4\"",
                ", \"alpha_pattern\": {\"(a+)+$\": 2}"
            })
    void refusesWhatIsMoreThanLora(String more) {
        assertThatThrownBy(() -> LoraAdapter.open(peft(queries(4), more)))
                .isInstanceOf(Unsupported.class)
                .hasMessageContaining("only plain LoRA is supported");
    }

    @Test
    void refusesRanksThatContradictTheConfiguration() {
        assertThatThrownBy(() -> LoraAdapter.open(peft(queries(4), ", \"rank_pattern\": {\"q_proj\": 8}")))
                .isInstanceOf(BadCheckpoint.class)
                .hasMessageContaining("8 as configured");
    }

    @Test
    void readsATrainedAdapterOfGpt2() {
        Path path = SharedData.path("vectors/lora/gpt2-c_attn-r8-seqcls");

        try (LoraAdapter adapter = LoraAdapter.open(path)) {
            assertThat(adapter.targets()).hasSize(12);
            assertThat(adapter.targets().keySet()).allMatch(name -> name.matches("blk\\.\\d+\\.attn_qkv\\.weight"));
            assertThat(adapter.targets().values()).allSatisfy(target -> {
                assertThat(target.shape()).isEqualTo(Shape.of(3 * 768, 768));
                assertThat(target.scale()).isOne();
            });
        }
    }

    @Test
    void refusesWhatIsMissing() {
        assertThatThrownBy(() -> LoraAdapter.open(folder.resolve("none"))).isInstanceOf(NotFound.class);
        assertThatThrownBy(() -> LoraAdapter.open(DEMO))
                .isInstanceOf(BadCheckpoint.class)
                .hasMessageContaining("general.type: expected adapter");
        assertThatThrownBy(() -> LoraAdapter.open(file(queries(4).without(QUERY + ".lora_b"))))
                .isInstanceOf(BadCheckpoint.class)
                .hasMessageContaining(QUERY + ".lora_b is missing");
        assertThatThrownBy(() -> LoraAdapter.open(file(queries(4).without(QUERY + ".lora_a"))))
                .isInstanceOf(BadCheckpoint.class)
                .hasMessageContaining(QUERY + ".lora_a is missing");
    }

    @Test
    void refusesFactorsThatDoNotFitEachOther() {
        assertThatThrownBy(() -> LoraAdapter.open(
                        file(queries(4).with(FamilyModel.plain(QUERY + ".lora_b", new float[256 * 5], 256, 5)))))
                .isInstanceOf(BadCheckpoint.class)
                .hasMessageContaining("B [256, 5]");
        assertThatThrownBy(() -> LoraAdapter.open(file(queries(257))))
                .isInstanceOf(BadCheckpoint.class)
                .hasMessageContaining("1..256");
    }

    @ParameterizedTest
    @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY})
    void refusesNumbersThatAreNotFinite(float value) {
        float[] values = new float[256 * 4];
        values[77 * 4] = value;

        assertThatThrownBy(() ->
                        LoraAdapter.open(file(queries(4).with(FamilyModel.plain(QUERY + ".lora_b", values, 256, 4)))))
                .isInstanceOf(BadCheckpoint.class)
                .hasMessageContaining("in row 77");
    }

    @Test
    void namesBothSidesOfAWrongBase() {
        try (Checkpoint demo = Checkpoint.open(DEMO)) {
            AdapterBase base = AdapterBase.of(demo);
            TestAdapters narrow = queries(4).with(FamilyModel.plain(QUERY + ".lora_a", new float[4 * 64], 4, 64));
            try (LoraAdapter adapter = LoraAdapter.open(file(narrow))) {
                assertThatThrownBy(() -> base.fit(adapter))
                        .isInstanceOf(BadCheckpoint.class)
                        .hasMessageContaining("expected [256, 256] as in " + DEMO + " (llama), found [256, 64]");
            }
            GgufWriter other = queries(4).gguf().put("general.architecture", new MetadataValue.Text("qwen2"));
            other.write(folder.resolve("qwen2.gguf"));
            try (LoraAdapter adapter = LoraAdapter.open(folder.resolve("qwen2.gguf"))) {
                assertThatThrownBy(() -> base.fit(adapter))
                        .isInstanceOf(BadCheckpoint.class)
                        .hasMessageContaining("its base: expected llama as " + DEMO + " is, found qwen2");
            }
        }
    }

    @Test
    void refusesAHeadOfAnotherVocabulary() {
        try (Checkpoint whole = TestCheckpoints.llama().vocabSize(320).untied().open();
                Checkpoint smaller =
                        TestCheckpoints.llama().vocabSize(300).untied().open();
                LoraAdapter adapter = LoraAdapter.open(file(TestAdapters.random(whole, 2, 1, HEAD::equals)))) {
            assertThat(AdapterBase.of(whole).fit(adapter)).containsOnlyKeys(HEAD);

            assertThatThrownBy(() -> AdapterBase.of(smaller).fit(adapter))
                    .isInstanceOf(BadCheckpoint.class)
                    .hasMessageContaining(
                            "expected [300, 64] as in random.gguf (llama), found [320, 64], of another vocabulary");
        }
    }

    @Test
    void refusesTheEmbeddingAndATiedHead() {
        try (Checkpoint demo = Checkpoint.open(DEMO)) {
            AdapterBase base = AdapterBase.of(demo);
            for (String name : new String[] {"token_embd.weight", "output.weight"}) {
                TestAdapters adapter = queries(2)
                        .with(FamilyModel.plain(name + ".lora_a", new float[2 * 256], 2, 256))
                        .with(FamilyModel.plain(name + ".lora_b", new float[2560 * 2], 2560, 2));
                try (LoraAdapter opened = LoraAdapter.open(file(adapter))) {
                    assertThatThrownBy(() -> base.fit(opened))
                            .isInstanceOf(Unsupported.class)
                            .hasMessageContaining("embedding");
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Architecture.class)
    void knowsWhoseRowsConvertersReorder(Architecture architecture) {
        assertThat(HeadRows.ofGguf(architecture.ggufName()) == HeadRows.ADJACENT)
                .isEqualTo(architecture.ropePairing() == RopePairing.ADJACENT);
    }

    /// Whatever is cut off or changed, it opens or is refused with a reason.
    @Test
    void survivesCutAndFlippedBytes() throws IOException {
        byte[] gguf = Files.readAllBytes(file(queries(4)));
        Path peft = peft(queries(4), "");
        byte[] weights = Files.readAllBytes(peft.resolve("adapter_model.safetensors"));
        byte[] config = Files.readAllBytes(peft.resolve("adapter_config.json"));
        Random random = new Random(3);
        Path broken = folder.resolve("broken.gguf");

        for (int round = 0; round < 200; round++) {
            Files.write(broken, broken(gguf, random));
            assertRefusedOrOpened(broken);
            Map<String, byte[]> files = Map.of("adapter_model.safetensors", weights, "adapter_config.json", config);
            for (Map.Entry<String, byte[]> file : files.entrySet()) {
                Files.write(peft.resolve(file.getKey()), broken(file.getValue(), random));
                assertRefusedOrOpened(peft);
                Files.write(peft.resolve(file.getKey()), file.getValue());
            }
        }
    }

    private static byte[] broken(byte[] whole, Random random) {
        if (random.nextBoolean()) {
            return Arrays.copyOf(whole, random.nextInt(whole.length));
        }
        byte[] flipped = whole.clone();
        for (int i = 0; i < 4; i++) {
            flipped[random.nextInt(Math.min(400, whole.length))] ^= (byte) (1 << random.nextInt(8));
        }
        return flipped;
    }

    private static void assertRefusedOrOpened(Path path) {
        Throwable thrown = catchThrowable(() -> LoraAdapter.open(path).close());
        assertThat(thrown)
                .satisfiesAnyOf(
                        none -> assertThat(none).isNull(),
                        refusal -> assertThat(refusal).isInstanceOf(TrimtabException.class));
    }
}
