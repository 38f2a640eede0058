package dev.trimtab.checkpoint;

import dev.trimtab.tensor.Tensor;
import java.util.Map;

/// What a reader found, checked: the metadata, and the tensors in the file's order as views of its bytes.
public record Contents(Metadata metadata, Map<String, Tensor> tensors) {}
