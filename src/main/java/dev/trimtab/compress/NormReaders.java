package dev.trimtab.compress;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Which matrices read a norm's output, and nothing else does: AWQ scales their columns, and the norm takes the
/// inverse.
final class NormReaders {
    private static final Map<String, List<String>> READERS = Map.of(
            "attn_norm", List.of("attn_q", "attn_k", "attn_v", "attn_qkv"),
            "ffn_norm", List.of("ffn_gate", "ffn_up", "ffn_gate_inp"));

    private static final Pattern IN_LAYER = Pattern.compile("(blk\\.\\d{1,5}\\.)([a-z_]+)\\.(weight|bias)");

    private NormReaders() {}

    /// The norm that the matrix `name` reads; empty where it reads something else.
    static Optional<String> normOf(String name) {
        Matcher matcher = IN_LAYER.matcher(name);
        return matcher.matches()
                ? READERS.entrySet().stream()
                        .filter(entry -> entry.getValue().contains(matcher.group(2)))
                        .map(entry -> matcher.group(1) + entry.getKey() + ".weight")
                        .findFirst()
                : Optional.empty();
    }

    /// Those of `names` that read the norm `name`, its weight or its bias; none where it is no such norm.
    static List<String> of(String name, Set<String> names) {
        Matcher matcher = IN_LAYER.matcher(name);
        return matcher.matches() && READERS.containsKey(matcher.group(2))
                ? READERS.getOrDefault(matcher.group(2), List.of()).stream()
                        .map(module -> matcher.group(1) + module + ".weight")
                        .filter(names::contains)
                        .toList()
                : List.of();
    }
}
