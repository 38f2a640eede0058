package dev.trimtab.checkpoint.coupling;

import dev.trimtab.checkpoint.Metadata;
import dev.trimtab.checkpoint.MetadataValue;
import dev.trimtab.error.Unsupported;
import java.util.Arrays;
import java.util.Map;

/// Where layers come to lie when others are dropped.
///
/// @param kept the checkpoint's numbers of those that stay, ascending
@SuppressWarnings("ArrayRecordComponent")
record LayerMoves(int[] kept) {
    /// Families that compute every n-th layer otherwise: it has no window, or does not turn. Where a key names
    /// the layers one by one it moves with them; a rule of counting does not.
    private static final Map<String, String> COUNTED = Map.of(
            "smollm3", "every fourth layer does not turn",
            "gemma2", "every second layer has no window",
            "gemma3", "every sixth layer has no window");

    /// @throws Unsupported when a layer would move and its number says how it is computed
    static LayerMoves of(Metadata metadata, ModelSizes sizes, Removal removal) {
        LayerMoves moves = new LayerMoves(removal.keptLayers());
        if (moves.movesAny()) {
            refuseCounted(metadata, sizes.architecture());
        }
        return moves;
    }

    private static void refuseCounted(Metadata metadata, String architecture) {
        String pattern = architecture + ".attention.sliding_window_pattern";
        MetadataValue value = metadata.find(pattern).orElse(new MetadataValue.Flag(false));
        boolean isListed = value instanceof MetadataValue.Flags;
        boolean isCounted = value instanceof MetadataValue.Whole whole && whole.value() > 1;
        if ((COUNTED.containsKey(architecture) && !isListed) || isCounted) {
            throw new Unsupported(metadata.source() + ": no layer but the last ones can be dropped: in " + architecture
                    + " " + COUNTED.getOrDefault(architecture, "windows follow from a layer's number, " + pattern));
        }
    }

    /// Whether a layer that stays gets another number.
    private boolean movesAny() {
        for (int i = 0; i < kept.length; i++) {
            if (kept[i] != i) {
                return true;
            }
        }
        return false;
    }

    /// The number that the checkpoint's layer `layer`, which stays, has afterwards.
    int to(int layer) {
        return Arrays.binarySearch(kept, layer);
    }
}
