package dev.trimtab.model;

import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.checkpoint.WeightSource;
import dev.trimtab.kernel.Activations;
import dev.trimtab.kernel.ComputePool;
import dev.trimtab.kernel.Kernels;
import dev.trimtab.kernel.KvLayout;
import dev.trimtab.kernel.TokenBatch;
import dev.trimtab.kernel.adapter.AdapterMix;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.Arrays;

/// One sequence on one model, without an engine: for tests that ask for logits.
public final class ModelRun implements AutoCloseable {
    private static final int CAPACITY = 512;

    private final ComputePool pool = new ComputePool(ComputePool.defaultThreads());
    private final Arena arena = Arena.ofShared();
    private final Model model;
    private final TokenBatch batch;
    private final long[] blocks;
    private int position;
    private AdapterMix adapters = AdapterMix.NONE;

    private ModelRun(WeightSource source, ModelLoader.Options options) {
        this.model = ModelLoader.load(
                source,
                new ModelLoader.Packing(Kernels.best(pool)),
                options,
                new Model.Capacity(CAPACITY, CAPACITY),
                LoadListener.NONE);
        // The oracle ran stories longer than one model was trained for.
        int blockCount = Math.ceilDiv(Math.max(CAPACITY, model.contextLength()), KvLayout.BLOCK_TOKENS);
        long blockBytes = model.kvLayout().blockBytes();
        this.blocks = new long[blockCount];
        Arrays.setAll(blocks, i -> i * blockBytes);
        this.batch = new TokenBatch(arena.allocate(blockCount * blockBytes, 64), CAPACITY, 1);
    }

    /// Opens and loads the checkpoint at `path`.
    public static ModelRun of(Path path, ModelLoader.Options options) {
        try (Checkpoint checkpoint = Checkpoint.open(path)) {
            return checkpoint.reading(() -> of(checkpoint, options));
        }
    }

    /// Loads what `source` gives.
    public static ModelRun of(WeightSource source, ModelLoader.Options options) {
        return new ModelRun(source, options);
    }

    public Model model() {
        return model;
    }

    /// Runs with `mix` from now on.
    public ModelRun with(AdapterMix mix) {
        adapters = mix;
        return restart();
    }

    /// Forgets the sequence.
    public ModelRun restart() {
        position = 0;
        return this;
    }

    /// Appends `ids` and returns the logits after each, `[ids.length, vocabSize]`; valid until the next call.
    public Activations append(int... ids) {
        batch.clear();
        batch.addSequence(blocks, adapters);
        for (int id : ids) {
            batch.addToken(id, position++);
            batch.wantLogits();
        }
        return model.forward(batch);
    }

    /// Appends `ids` and returns a copy of the logits after the last.
    public float[] logitsAfter(int... ids) {
        Activations logits = append(ids);
        int from = (ids.length - 1) * logits.stride();
        return Arrays.copyOfRange(logits.values(), from, from + logits.columns());
    }

    /// The `count` ids that greedy decoding appends to `prompt`.
    public int[] greedy(int[] prompt, int count) {
        int[] ids = new int[count];
        float[] logits = restart().logitsAfter(prompt);
        for (int i = 0; i < count; i++) {
            ids[i] = argmax(logits);
            if (i + 1 < count) {
                logits = logitsAfter(ids[i]);
            }
        }
        return ids;
    }

    public static int argmax(float[] logits) {
        int best = 0;
        for (int i = 1; i < logits.length; i++) {
            if (logits[i] > logits[best]) {
                best = i;
            }
        }
        return best;
    }

    @Override
    public void close() {
        model.close();
        arena.close();
        pool.close();
    }
}
