package dev.trimtab.variant.llamacpp;

import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.checkpoint.Metadata;
import dev.trimtab.checkpoint.MetadataValue;
import dev.trimtab.engine.EngineOptions;
import dev.trimtab.error.BadConfiguration;
import dev.trimtab.error.Unsupported;
import dev.trimtab.kernel.KvLayout;
import dev.trimtab.kernel.llamacpp.LlamaLibrary;
import dev.trimtab.kernel.llamacpp.LlamaModel;
import dev.trimtab.variant.llamacpp.LlamaForwardPass.Sizes;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/// Where models that llama.cpp runs come from. The library is loaded with the first of them; a process that
/// has none does not need it.
public final class LlamaBackend {
    /// Tokens of keys and values for all sequences of a model together, and so the longest sequence too: four
    /// of 4,096 each, in f16 a gigabyte or two for a model of 8 billion weights.
    static final int CELLS_MAX = 16_384;

    /// Tokens that are held for a model whose file does not say how long its context is.
    private static final int CONTEXT_UNKNOWN = 2_048;

    /// @param library the jar or shared library; the jar on the class path where empty
    /// @param threads that llama.cpp computes with
    public record Options(Optional<Path> library, int threads) {}

    private final Options options;
    private Optional<LlamaLibrary> library = Optional.empty();

    public LlamaBackend(Options options) {
        this.options = options;
    }

    /// Loads the file of `checkpoint`, which our own reader has checked, for batches as `engine` makes them.
    ///
    /// @throws BadConfiguration when the library is missing, or `checkpoint` is no GGUF file
    /// @throws Unsupported when the model is none that continues a text token by token
    /// @throws dev.trimtab.error.BadCheckpoint when llama.cpp refuses it
    public LlamaForwardPass load(Checkpoint checkpoint, EngineOptions engine) {
        Path file = file(checkpoint.metadata());
        LlamaModel model = LlamaModel.load(library(), file, LlamaModel.Part.ALL);
        boolean taken = false;
        try {
            if (model.isRecurrent() || model.hasEncoder() || !isCausal(checkpoint.metadata())) {
                throw new Unsupported(file + ": the llama.cpp backend serves decoders with keys and values, not "
                        + checkpoint.metadata().string("general.architecture"));
            }
            int cells = cells(model.trainedContextLength(), engine);
            Sizes sizes = new Sizes(
                    cells,
                    Math.min(model.trainedContextLength(), cells),
                    engine.maxBatchedTokens(),
                    engine.maxSequences());
            LlamaForwardPass pass = new LlamaForwardPass(model, sizes, options.threads());
            taken = true;
            return pass;
        } finally {
            if (!taken) {
                model.close();
            }
        }
    }

    private static boolean isCausal(Metadata metadata) {
        return metadata.flag(metadata.string("general.architecture") + ".attention.causal", true);
    }

    private synchronized LlamaLibrary library() {
        if (library.isEmpty()) {
            library = Optional.of(LlamaLibrary.load(options.library()));
        }
        return library.get();
    }

    private static Path file(Metadata metadata) {
        Path file = Path.of(metadata.source());
        if (!Files.isRegularFile(file) || !metadata.contains("general.architecture")) {
            throw new BadConfiguration(
                    metadata.source() + ": the llama.cpp backend needs a GGUF file, found something else");
        }
        return file;
    }

    /// Whole blocks, as many as all sequences of `engine` can fill up to [#CELLS_MAX].
    private static int cells(int contextLength, EngineOptions engine) {
        long wish = (long) contextLength * engine.maxSequences();
        int blocks = Math.ceilDiv((int) Math.min(wish, CELLS_MAX), KvLayout.BLOCK_TOKENS);
        return blocks * KvLayout.BLOCK_TOKENS;
    }

    /// Bytes that keys and values of a model with `metadata` take, in f16; an upper bound where the file does
    /// not tell how many heads share one.
    public static long kvBytes(Metadata metadata, EngineOptions engine) {
        String prefix = metadata.string("general.architecture") + ".";
        int context = (int) whole(metadata, prefix + "context_length", CONTEXT_UNKNOWN);
        long layers = whole(metadata, prefix + "block_count", 0);
        long width = whole(metadata, prefix + "embedding_length", 0);
        long heads = Math.max(1, whole(metadata, prefix + "attention.head_count", 1));
        long kvHeads = whole(metadata, prefix + "attention.head_count_kv", heads);
        long headDim = whole(metadata, prefix + "attention.key_length", width / heads);
        return 2 * Short.BYTES * layers * kvHeads * headDim * cells(context, engine);
    }

    /// The integer at `key`; `fallback` also for an array, which has one a layer.
    private static long whole(Metadata metadata, String key, long fallback) {
        return metadata.find(key).orElse(null) instanceof MetadataValue.Whole whole ? whole.value() : fallback;
    }
}
