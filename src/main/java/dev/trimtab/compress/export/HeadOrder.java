package dev.trimtab.compress.export;

import dev.trimtab.checkpoint.Metadata;
import dev.trimtab.checkpoint.adapter.HeadRows;
import dev.trimtab.tensor.Shape;
import dev.trimtab.tensor.Tensor;

/// The order that q's and k's rows stand in, and the one they are to be written in.
record HeadOrder(HeadRows stored, HeadRows written, int headDim) {
    /// From the order of the model with `metadata`.
    static HeadOrder to(HeadRows written, Metadata metadata) {
        HeadRows stored = HeadRows.of(metadata);
        String prefix = metadata.string("general.architecture") + ".";
        String headDim = prefix + "attention.key_length";
        if (metadata.contains(headDim)) {
            return new HeadOrder(stored, written, metadata.integer(headDim, 1, Integer.MAX_VALUE));
        }
        // Only a pruned model may list heads by layer, and it says the size of a head.
        int heads = stored == written ? 1 : metadata.integer(prefix + "attention.head_count", 1, Integer.MAX_VALUE);
        int hiddenSize = metadata.integer(prefix + "embedding_length", 1, Integer.MAX_VALUE);
        return new HeadOrder(stored, written, hiddenSize / heads);
    }

    /// `tensor`, or a copy with its rows in order where it is `name`'s, or its correction's left factor.
    Tensor reordered(String name, Tensor tensor) {
        if (stored == written || !HeadRows.isIn(name.replaceFirst("\\.bias$", ".weight"))) {
            return tensor;
        }
        if (tensor.shape().rank() > 1) {
            return stored.reordered(tensor, written, headDim);
        }
        Shape column = Shape.of(tensor.shape().elements(), 1);
        Tensor turned =
                stored.reordered(new Tensor(tensor.name(), tensor.encoding(), column, tensor.data()), written, headDim);
        return new Tensor(tensor.name(), tensor.encoding(), tensor.shape(), turned.data());
    }
}
