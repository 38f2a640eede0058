package dev.trimtab.checkpoint.adapter;

import dev.trimtab.checkpoint.Contents;
import dev.trimtab.checkpoint.huggingface.TensorNames;
import dev.trimtab.checkpoint.io.MappedFiles;
import dev.trimtab.checkpoint.safetensors.SafetensorsReader;
import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.Unsupported;
import dev.trimtab.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// Reads an adapter from a folder as PEFT (Hugging Face's library) writes it:
///
/// 1. `adapter_config.json`: [PeftConfig].
/// 2. `adapter_model.safetensors`: for each adapted module, known by its path MODULE in the base, the factors
///    `base_model.model.MODULE.lora_A.weight` `[rank, columns]` and `....lora_B.weight` `[rows, rank]`. Both are
///    the same where the base stores its matrices the other way round (`fan_in_fan_out`, GPT-2). A head for
///    classification (`score`, `classifier`), which a language model lacks, is left out.
///
/// Rows of q and k stand as Hugging Face has them.
final class PeftFolder {
    private static final String CONFIG = "adapter_config.json";
    private static final String WEIGHTS = "adapter_model.safetensors";

    /// Real ones have two kilobytes; patterns may name every module.
    private static final long CONFIG_BYTES_MAX = 4L << 20;

    private static final Pattern FACTOR =
            Pattern.compile("base_model\\.model\\.(?<module>.{1,512})\\.lora_(?<side>[AB])(?:\\.default)?\\.weight");

    private static final Pattern CLASSIFIER =
            Pattern.compile("base_model\\.model\\.(?:score|classifier)\\.(?:weight|bias)");

    private final Path folder;
    private final MappedFiles files;

    private PeftFolder(Path folder, MappedFiles files) {
        this.folder = folder;
        this.files = files;
    }

    static LoraAdapter.Contents read(Path folder, MappedFiles files) {
        return new PeftFolder(folder, files).read();
    }

    private LoraAdapter.Contents read() {
        PeftConfig config = config();
        Path path = folder.resolve(WEIGHTS);
        Contents file = SafetensorsReader.read(path.toString(), files.map(path));
        Map<String, Tensor> left = new LinkedHashMap<>();
        Map<String, Tensor> right = new LinkedHashMap<>();
        file.tensors().forEach((name, tensor) -> {
            Matcher factor = FACTOR.matcher(name);
            if (factor.matches()) {
                (factor.group("side").equals("A") ? right : left).put(factor.group("module"), tensor);
            } else if (!CLASSIFIER.matcher(name).matches()) {
                throw new Unsupported(path + ": tensor " + name + ": only the factors of LoRA are supported");
            }
        });
        Map<String, LoraTarget> targets = new LinkedHashMap<>();
        right.forEach((module, a) -> {
            LoraTarget target = target(path, config, module, a, left.remove(module));
            if (targets.put(target.name(), target) != null) {
                throw BadCheckpoint.mismatch(path + ": tensor " + target.name(), "one adapter", "two");
            }
        });
        if (!left.isEmpty()) {
            throw missing(path, left.keySet().iterator().next(), "lora_A");
        }
        return new LoraAdapter.Contents(folder.toString(), Optional.empty(), HeadRows.HALVES, targets);
    }

    private static LoraTarget target(Path path, PeftConfig config, String module, Tensor a, @Nullable Tensor b) {
        if (b == null) {
            throw missing(path, module, "lora_B");
        }
        // Only norms are named differently by family, and those have no adapters.
        String name = TensorNames.canonical("", module + ".weight")
                .orElseThrow(() -> new Unsupported(path + ": module " + module + " is of no family known here"));
        int rank = config.rank(module);
        if (a.shape().rows() != rank) {
            throw BadCheckpoint.mismatch(path + ": rank of module " + module, rank + " as configured", a.shape());
        }
        return new LoraTarget(name, a, b, config.scale(module));
    }

    private static BadCheckpoint missing(Path path, String module, String factor) {
        return new BadCheckpoint(path + ": module " + module + ": " + factor + " is missing beside its other factor");
    }

    private PeftConfig config() {
        Path path = folder.resolve(CONFIG);
        MemorySegment bytes = files.map(path);
        if (bytes.byteSize() > CONFIG_BYTES_MAX) {
            throw BadCheckpoint.mismatch(path + ": size", "at most " + CONFIG_BYTES_MAX, bytes.byteSize());
        }
        return PeftConfig.read(path.toString(), bytes.toArray(ValueLayout.JAVA_BYTE));
    }
}
