package dev.trimtab.checkpoint;

import dev.trimtab.tensor.Shape;
import dev.trimtab.tensor.TensorForm;
import java.util.Map;

/// Where a model takes its weights from: a checkpoint as it is, or what compression makes of one. Forms are
/// made when they are asked for and not kept, so that a load holds one weight at a time beside what it packed.
public interface WeightSource {
    /// What the weights' sizes agree with: structured pruning changes it.
    Metadata metadata();

    /// Canonical names and shapes, in the checkpoint's order.
    Map<String, Shape> shapes();

    /// The weight with the canonical name `name`.
    ///
    /// @throws BadCheckpoint when there is none
    TensorForm form(String name);

    /// A name for the content of [#form(String)]: equal for two sources exactly when they would give the same
    /// form, byte by byte; known without making it.
    String address(String name);
}
