package dev.trimtab.checkpoint.vocabulary;

import dev.trimtab.error.BadConfiguration;
import java.util.Arrays;

/// How a vocabulary shrinks: which tokens stay, and what they are called before and after. Those that stay keep
/// their order and close up, so that token `ids[i]` becomes token i.
///
/// A look-up costs an index after the removal, and a binary search before it.
public final class KeptTokens {
    /// What a token that is gone is called afterwards.
    public static final int GONE = -1;

    private final int[] ids;

    /// @param ids of the tokens that stay, ascending, at least one
    /// @throws BadConfiguration for others
    public KeptTokens(int... ids) {
        boolean isAscending = ids.length > 0 && ids[0] >= 0;
        for (int i = 1; i < ids.length; i++) {
            isAscending &= ids[i - 1] < ids[i];
        }
        if (!isAscending) {
            throw new BadConfiguration("ids of tokens that stay: ascending ones expected, at least one, found "
                    + (ids.length == 0 ? "none" : ids.length + " from " + ids[0]));
        }
        this.ids = ids.clone();
    }

    /// How many stay.
    public int size() {
        return ids.length;
    }

    /// What the token `id` was called before; `id` is below [#size()].
    public int before(int id) {
        return ids[id];
    }

    /// What the token `id` is called now, or [#GONE].
    public int after(int id) {
        return Math.max(GONE, Arrays.binarySearch(ids, id));
    }

    public boolean contains(int id) {
        return after(id) != GONE;
    }

    /// The largest id before.
    public int last() {
        return ids[ids.length - 1];
    }

    /// The ids before, ascending; a copy.
    public int[] ids() {
        return ids.clone();
    }

    @Override
    public String toString() {
        return size() + " tokens of 0.." + last();
    }
}
