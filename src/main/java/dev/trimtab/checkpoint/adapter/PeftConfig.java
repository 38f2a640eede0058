package dev.trimtab.checkpoint.adapter;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import dev.trimtab.checkpoint.JsonFile;
import dev.trimtab.checkpoint.Metadata;
import dev.trimtab.checkpoint.MetadataValue;
import dev.trimtab.error.Unsupported;
import java.io.IOException;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/// `adapter_config.json`: rank and alpha, which `rank_pattern` and `alpha_pattern` may give some modules of their
/// own, and how they make the scale. What would need more than two factors a matrix is refused by name.
///
/// A pattern's key is a module's path or the end of one; the first that matches counts. PEFT takes it as a regular
/// expression; keys that are more than a path are refused.
///
/// Source: huggingface/peft, `src/peft/tuners/lora/config.py` and `utils/other.py` (`get_pattern_key`).
final class PeftConfig {
    private static final int RANK_MAX = LoraTarget.RANK_MAX;

    private static final Pattern PATH = Pattern.compile("\\^?[A-Za-z0-9_.]{1,512}");

    /// Beginnings that change the base's weights as well.
    private static final Set<String> CHANGED_BASES = Set.of("pissa", "olora", "corda", "loftq");

    /// Flags of what is more than LoRA.
    private static final Set<String> FLAGS = Set.of("use_dora", "use_qalora", "lora_bias");

    /// Lists and tables of what is more than LoRA.
    private static final Set<String> LISTS = Set.of(
            "modules_to_save",
            "layer_replication",
            "alora_invocation_tokens",
            "target_parameters",
            "trainable_token_indices");

    private final Metadata config;
    private final Map<String, Integer> ranks = new LinkedHashMap<>();
    private final Map<String, Double> alphas = new LinkedHashMap<>();

    private PeftConfig(Metadata config) {
        this.config = config;
    }

    /// Reads `json`, named `source` in messages.
    ///
    /// @throws Unsupported for what is not plain LoRA
    static PeftConfig read(String source, byte[] json) {
        Metadata config = JsonFile.flatten(source, json);
        PeftConfig read = new PeftConfig(config);
        read.refuseWhatIsMore();
        Set<String> filled = JsonFile.parse(source, json, PeftConfig::filled);
        LISTS.stream().filter(filled::contains).findFirst().ifPresent(list -> {
            throw read.unsupported(list);
        });
        for (String key : config.values().keySet()) {
            if (key.startsWith("rank_pattern.")) {
                read.ranks.put(read.path(key, "rank_pattern."), config.integer(key, 1, RANK_MAX));
            } else if (key.startsWith("alpha_pattern.")) {
                read.alphas.put(read.path(key, "alpha_pattern."), config.number(key));
            }
        }
        return read;
    }

    private void refuseWhatIsMore() {
        if (!config.string("peft_type").equals("LORA")) {
            throw unsupported("peft_type " + config.string("peft_type"));
        }
        if (!config.string("bias", "none").equals("none")) {
            throw unsupported("bias " + config.string("bias") + ": trained biases");
        }
        for (String flag : FLAGS) {
            if (config.flag(flag, false)) {
                throw unsupported(flag);
            }
        }
        if (config.find("init_lora_weights").orElse(null) instanceof MetadataValue.Text(String start)
                && CHANGED_BASES.contains(start.split("_", 2)[0])) {
            throw unsupported("init_lora_weights " + start + ": the base's own weights were changed too");
        }
    }

    /// The object's arrays and objects that are not empty, of whatever they are made.
    private static Set<String> filled(JsonParser parser) throws IOException {
        Set<String> filled = new HashSet<>();
        while (parser.nextToken() != JsonToken.END_OBJECT) {
            String name = parser.currentName();
            if (!parser.nextToken().isStructStart()) {
                continue;
            }
            int depth = 1;
            while (depth > 0) {
                JsonToken token = parser.nextToken();
                depth += token.isStructStart() ? 1 : 0;
                depth -= token.isStructEnd() ? 1 : 0;
                if (depth > 0) {
                    filled.add(name);
                }
            }
        }
        return filled;
    }

    private Unsupported unsupported(String what) {
        return new Unsupported(config.source() + ": " + what + ": only plain LoRA is supported");
    }

    private String path(String key, String prefix) {
        String path = key.substring(prefix.length());
        if (!PATH.matcher(path).matches()) {
            throw unsupported(prefix + " key " + path + " is no module's path");
        }
        return path;
    }

    int rank(String module) {
        return ranks.entrySet().stream()
                .filter(entry -> matches(entry.getKey(), module))
                .findFirst()
                .map(Map.Entry::getValue)
                .orElseGet(() -> config.integer("r", 1, RANK_MAX));
    }

    /// alpha / rank, or alpha / sqrt(rank) for rsLoRA.
    float scale(String module) {
        double alpha = alphas.entrySet().stream()
                .filter(entry -> matches(entry.getKey(), module))
                .findFirst()
                .map(Map.Entry::getValue)
                .orElseGet(() -> config.number("lora_alpha"));
        int rank = rank(module);
        return (float) (alpha / (config.flag("use_rslora", false) ? Math.sqrt(rank) : rank));
    }

    private static boolean matches(String key, String module) {
        return key.startsWith("^") ? module.equals(key.substring(1)) : module.equals(key) || module.endsWith("." + key);
    }
}
