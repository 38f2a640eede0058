package dev.trimtab.checkpoint.adapter;

import dev.trimtab.checkpoint.FamilyModel;
import dev.trimtab.checkpoint.GgufWriter;
import dev.trimtab.checkpoint.MetadataValue;
import dev.trimtab.checkpoint.ValueType;
import dev.trimtab.checkpoint.WeightSource;
import dev.trimtab.checkpoint.huggingface.TensorNames;
import dev.trimtab.checkpoint.safetensors.TestSafetensors;
import dev.trimtab.tensor.Tensor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Predicate;

/// Adapters with seeded random factors for any model, written as GGUF or as PEFT does.
public final class TestAdapters {
    /// Every matrix that can be adapted while serving, but for the head.
    public static final Predicate<String> LAYERS = name -> name.startsWith("blk.") && name.endsWith(".weight");

    private final String architecture;
    private final int rank;
    private final Map<String, Tensor> factors = new LinkedHashMap<>();
    private final Random random;
    private double alpha = 16;

    private TestAdapters(String architecture, int rank, long seed) {
        this.architecture = architecture;
        this.rank = rank;
        this.random = new Random(seed);
    }

    /// An adapter of `rank` for those matrices of `base` that `chosen` takes; large enough to change what it
    /// says.
    public static TestAdapters random(WeightSource base, int rank, long seed, Predicate<String> chosen) {
        TestAdapters adapter = new TestAdapters(base.metadata().string("general.architecture"), rank, seed);
        base.shapes().forEach((name, shape) -> {
            if (shape.rank() == 2 && chosen.test(name)) {
                adapter.add(name, (int) shape.rows(), (int) shape.columns());
            }
        });
        return adapter;
    }

    private void add(String name, int rows, int columns) {
        factors.put(name + ".lora_a", factor(name + ".lora_a", rank, columns, 1 / Math.sqrt(columns)));
        factors.put(name + ".lora_b", factor(name + ".lora_b", rows, rank, 0.3 / Math.sqrt(rank)));
    }

    private Tensor factor(String name, int rows, int columns, double deviation) {
        float[] values = new float[rows * columns];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (deviation * random.nextGaussian());
        }
        return FamilyModel.plain(name, values, rows, columns);
    }

    public TestAdapters alpha(double value) {
        alpha = value;
        return this;
    }

    /// Takes a factor out, or puts another in its place.
    public TestAdapters without(String name) {
        factors.remove(name);
        return this;
    }

    public TestAdapters with(Tensor factor) {
        factors.put(factor.name(), factor);
        return this;
    }

    public GgufWriter gguf() {
        GgufWriter writer = new GgufWriter();
        writer.put("general.type", new MetadataValue.Text("adapter"));
        writer.put("general.architecture", new MetadataValue.Text(architecture));
        writer.put("adapter.type", new MetadataValue.Text("lora"));
        writer.put("adapter.lora.alpha", new MetadataValue.Real(ValueType.FLOAT32, alpha));
        factors.values().forEach(writer::tensor);
        return writer;
    }

    public Path write(Path path) {
        gguf().write(path);
        return path;
    }

    /// As PEFT would have it: names of Hugging Face, rows of q and k in halves, which `headDim` of Llama's kin
    /// tells; 0 leaves them. `more` are further fields of the configuration.
    public Path writeFolder(Path folder, int headDim, String more) {
        List<Tensor> tensors = new ArrayList<>();
        factors.forEach((name, factor) -> {
            String weight = name.substring(0, name.lastIndexOf('.'));
            String module = TensorNames.aliases(weight).stream()
                    .filter(alias -> alias.startsWith("model.layers."))
                    .findFirst()
                    .orElseThrow()
                    .replace(".weight", "");
            boolean left = name.endsWith(".lora_b");
            String renamed = "base_model.model." + module + (left ? ".lora_B" : ".lora_A") + ".weight";
            boolean turned = left && headDim > 0 && weight.matches(".*attn_[qk]\\.weight");
            tensors.add(
                    turned
                            ? FamilyModel.halves(factor, renamed, headDim)
                            : new Tensor(renamed, factor.encoding(), factor.shape(), factor.data()));
        });
        try {
            Files.createDirectories(folder);
            Files.write(folder.resolve("adapter_model.safetensors"), TestSafetensors.bytes(tensors));
            Files.writeString(folder.resolve("adapter_config.json"), """
                    {"peft_type": "LORA", "r": %d, "lora_alpha": %s%s}""".formatted(rank, alpha, more));
            return folder;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
