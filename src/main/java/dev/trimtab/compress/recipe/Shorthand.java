package dev.trimtab.compress.recipe;

import dev.trimtab.compress.recipe.Stages.Quantize;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/// One word for a whole recipe: a scheme for every matrix, or one of llama.cpp's mixtures.
///
/// llama.cpp gives the value and down projections of about half the layers two sizes more; we give all of them
/// one more, which takes about the same bytes and needs no table of layers. The head always gets 6 bits.
final class Shorthand {
    private record Mixture(String most, String sensitive) {}

    private static final String HEAD = "q6_k";

    /// What llama.cpp's `LLAMA_FTYPE_MOSTLY_*` of that name are nearest to.
    private static final Map<String, Mixture> MIXTURES = new LinkedHashMap<>(Map.of(
            "q5_k_m", new Mixture("q5_k", "q6_k"),
            "q5_k_s", new Mixture("q5_k", "q5_k"),
            "q4_k_m", new Mixture("q4_k", "q5_k"),
            "q4_k_s", new Mixture("q4_k", "q4_k"),
            "q3_k_l", new Mixture("q3_k", "q5_k"),
            "q3_k_m", new Mixture("q3_k", "q4_k"),
            "q3_k_s", new Mixture("q3_k", "q3_k")));

    /// The tensors that lose most, in GGUF's names; `attn_qkv` and `ffn_up` hold theirs together with others.
    private static final String SENSITIVE = "re:\\.(attn_v|ffn_down)(\\.|_exps)";

    private Shorthand() {}

    /// The rules that `word` stands for; empty where it is none.
    static Optional<List<Rule<Quantize>>> rules(String word) {
        String name = word.toLowerCase(Locale.ROOT);
        Mixture mixture = MIXTURES.get(name);
        return mixture == null
                ? Scheme.named(name).map(scheme -> List.of(Rule.all(name, Quantize.nearest(scheme))))
                : Optional.of(List.of(
                        Rule.all(name, named(mixture.most())),
                        new Rule<>(
                                name + " (head)", List.of(new Target.Group(TensorClass.HEAD)), List.of(), named(HEAD)),
                        new Rule<>(
                                name + " (value and down projections)",
                                List.of(Target.parse(SENSITIVE)),
                                List.of(),
                                named(mixture.sensitive()))));
    }

    /// Every word there is.
    static List<String> words() {
        List<String> words = new ArrayList<>(Scheme.names());
        words.addAll(MIXTURES.keySet());
        return words;
    }

    /// Whether `word` is a mixture, which one rule cannot ask for.
    static boolean isMixture(String word) {
        return MIXTURES.containsKey(word.toLowerCase(Locale.ROOT));
    }

    private static Quantize named(String name) {
        return Quantize.nearest(Scheme.named(name).orElseThrow());
    }
}
