package dev.trimtab.quality.calibration;

import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Matrices that read the same vector: q, k and v of a layer, gate and up of a feed-forward network. What is
/// known of the input of one is known of all, so only one of them is watched.
final class SharedInput {
    private static final Pattern MEMBER =
            Pattern.compile("(blk\\.\\d+\\.)(attn_k|attn_v|ffn_gate|ffn_gate_exps)(\\.weight)");

    private static final Map<String, String> WATCHED =
            Map.of("attn_k", "attn_q", "attn_v", "attn_q", "ffn_gate", "ffn_up", "ffn_gate_exps", "ffn_up_exps");

    private SharedInput() {}

    /// The matrix that is watched for `name`: itself where it shares with none.
    static String watched(String name) {
        Matcher matcher = MEMBER.matcher(name);
        return matcher.matches() ? matcher.group(1) + WATCHED.get(matcher.group(2)) + matcher.group(3) : name;
    }

    static boolean isWatched(String name) {
        return name.equals(watched(name));
    }
}
