package dev.trimtab.model;

import dev.trimtab.kernel.Activations;
import dev.trimtab.kernel.KvLayout;
import dev.trimtab.kernel.TokenBatch;
import dev.trimtab.model.adapter.AdapterShelf;

/// What the engine asks of a model: run a batch of tokens, give back logits. [Model] is the real one; tests
/// of the engine bring their own.
///
/// Single-threaded: one call at a time, from the engine thread.
public interface ForwardPass {
    int vocabSize();

    /// Longest sequence, prompt and output together, in tokens.
    int contextLength();

    /// How this model's keys and values lie in a KV block.
    KvLayout kvLayout();

    /// Most tokens in a batch.
    int tokenCapacity();

    /// Most rows of logits in a batch.
    int logitCapacity();

    /// The adapters that its sequences may run with.
    default AdapterShelf adapters() {
        return AdapterShelf.NONE;
    }

    /// Runs `batch` and returns the logits asked for, `[batch.logitCount(), vocabSize()]`; valid until the
    /// next call.
    Activations forward(TokenBatch batch);
}
