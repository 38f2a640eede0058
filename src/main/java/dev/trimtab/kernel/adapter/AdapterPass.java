package dev.trimtab.kernel.adapter;

import dev.trimtab.kernel.Activations;
import dev.trimtab.kernel.TokenBatch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// What adapters do in one forward pass of a model: which are active, and which tokens each is for. A token's
/// correction is computed row by row and summed in the order of the adapters' ids, so its numbers do not depend on
/// what shares the batch (as in Punica, Chen et al. 2023, sequences of different adapters share every product of
/// the base).
///
/// A pass without adapters costs a comparison for each matrix. Rooms are made at their first use and kept, so that
/// a step allocates nothing. Engine thread only, but for the sites, which the load makes.
public final class AdapterPass {
    /// Adapters that can be loaded over one model: four times mistral.rs' limit. A step may see more, those
    /// that were unloaded and still run.
    public static final int ADAPTERS_MAX = 64;

    private static final int RANK_MAX = 256;

    /// Which of the tokens a matrix sees.
    enum Tokens {
        /// All of the batch.
        ALL,
        /// Those whose logits are wanted.
        WITH_LOGITS
    }

    /// What a room is for.
    enum Use {
        GATHERED,
        DELTA
    }

    private record Room(Use use, int columns) {}

    private final int tokenCapacity;
    private final List<AdapterSite> sites = new ArrayList<>();
    private final Map<Room, Activations> rooms = new HashMap<>();
    private final @Nullable Activations[] middles = new Activations[RANK_MAX + 1];
    private PackedAdapter[] active = new PackedAdapter[ADAPTERS_MAX];
    private final List<Shares> shares = new ArrayList<>();
    private int activeCount;

    /// For batches of up to `tokenCapacity`.
    public AdapterPass(int tokenCapacity) {
        this.tokenCapacity = tokenCapacity;
    }

    /// The tokens of one adapter, by row, with the factor of each.
    static final class Share {
        private final int[] rows;
        private final float[] weights;
        private final int[] chunkRows = new int[AdapterSite.ROWS_MAX];
        private final float[] chunkWeights = new float[AdapterSite.ROWS_MAX];
        private int count;

        Share(int capacity) {
            this.rows = new int[capacity];
            this.weights = new float[capacity];
        }

        void add(int row, float weight) {
            rows[count] = row;
            weights[count++] = weight;
        }

        int count() {
            return count;
        }

        /// Makes the chunk of those from `from` on, their factors times `scale`; how many.
        int take(int from, float scale) {
            int taken = Math.min(AdapterSite.ROWS_MAX, count - from);
            for (int i = 0; i < taken; i++) {
                chunkRows[i] = rows[from + i];
                chunkWeights[i] = weights[from + i] * scale;
            }
            return taken;
        }

        int[] chunkRows() {
            return chunkRows;
        }

        float[] chunkWeights() {
            return chunkWeights;
        }
    }

    /// One adapter's share of either kind of tokens.
    private record Shares(Share all, Share withLogits) {}

    /// A new site for a matrix that sees all tokens.
    public AdapterSite site(AdapterSite.Part part) {
        return add(part, Tokens.ALL);
    }

    /// A new site for the head, which sees the tokens whose logits are wanted.
    public AdapterSite headSite(AdapterSite.Part part) {
        return add(part, Tokens.WITH_LOGITS);
    }

    private AdapterSite add(AdapterSite.Part part, Tokens tokens) {
        AdapterSite site = new AdapterSite(this, sites.size(), part, tokens);
        sites.add(site);
        return site;
    }

    /// All sites, by index.
    public List<AdapterSite> sites() {
        return List.copyOf(sites);
    }

    /// Takes in what the sequences of `batch` run with.
    public void begin(TokenBatch batch) {
        activeCount = 0;
        if (!batch.usesAdapters()) {
            return;
        }
        for (int s = 0; s < batch.sequenceCount(); s++) {
            AdapterMix mix = batch.adapters(s);
            for (int i = 0; i < mix.scales().length; i++) {
                activate(mix.adapters().get(i));
            }
        }
        for (int i = 0; i < activeCount; i++) {
            fill(i, batch);
        }
    }

    /// Keeps `active` sorted by id, each once.
    private void activate(PackedAdapter adapter) {
        int at = activeCount;
        while (at > 0 && active[at - 1].id() > adapter.id()) {
            at--;
        }
        if (at > 0 && active[at - 1] == adapter) {
            return;
        }
        if (activeCount == active.length) {
            active = Arrays.copyOf(active, 2 * activeCount);
        }
        System.arraycopy(active, at, active, at + 1, activeCount - at);
        active[at] = adapter;
        activeCount++;
    }

    private void fill(int index, TokenBatch batch) {
        while (shares.size() < activeCount) {
            shares.add(new Shares(new Share(tokenCapacity), new Share(tokenCapacity)));
        }
        Shares both = shares.get(index);
        both.all().count = 0;
        both.withLogits().count = 0;
        for (int token = 0; token < batch.tokenCount(); token++) {
            add(both.all(), token, index, token, batch);
        }
        for (int row = 0; row < batch.logitCount(); row++) {
            add(both.withLogits(), row, index, batch.logitToken(row), batch);
        }
    }

    private void add(Share share, int row, int index, int token, TokenBatch batch) {
        float scale = batch.adapters(batch.sequence(token)).scaleOf(active[index]);
        if (scale != 0) {
            share.add(row, scale);
        }
    }

    int activeCount() {
        return activeCount;
    }

    PackedAdapter active(int index) {
        return active[index];
    }

    Share share(int index, Tokens tokens) {
        Shares both = shares.get(index);
        return switch (tokens) {
            case ALL -> both.all();
            case WITH_LOGITS -> both.withLogits();
        };
    }

    Activations room(Use use, int columns) {
        return rooms.computeIfAbsent(
                new Room(use, columns), room -> new Activations(AdapterSite.ROWS_MAX, room.columns()));
    }

    /// The room between the factors.
    Activations room(int rank) {
        Activations room = middles[rank];
        if (room == null) {
            room = new Activations(AdapterSite.ROWS_MAX, rank);
            middles[rank] = room;
        }
        return room;
    }
}
