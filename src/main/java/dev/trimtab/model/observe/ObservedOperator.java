package dev.trimtab.model.observe;

import dev.trimtab.kernel.Activations;
import dev.trimtab.kernel.LinearOperator;

/// A matrix whose inputs are shown to an observer before they are multiplied.
///
/// @param name of the tensor in the checkpoint
public record ObservedOperator(LinearOperator operator, String name, ForwardObserver observer)
        implements LinearOperator {
    @Override
    public void apply(Activations in, Activations out) {
        observer.input(name, in);
        operator.apply(in, out);
    }

    @Override
    public int rows() {
        return operator.rows();
    }

    @Override
    public int columns() {
        return operator.columns();
    }

    @Override
    public long sizeBytes() {
        return operator.sizeBytes();
    }

    @Override
    public void row(int row, float[] out, int outOffset) {
        operator.row(row, out, outOffset);
    }
}
