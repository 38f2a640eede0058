package dev.trimtab.model;

import dev.trimtab.kernel.Activations;
import dev.trimtab.kernel.Kernels;
import java.util.Optional;

/// What stands around every block: the norm before it, and how its result joins the stream,
/// `hidden += scale * postNorm(f(inputNorm(hidden)))`.
final class Residual {
    private final Kernels kernels;
    private final Norm inputNorm;
    private final Optional<Norm> postNorm;
    private final float scale;
    private final boolean rounds;
    private final Activations normed;

    /// `rounds` says whether what goes into matrices is rounded to 8 bits first.
    Residual(Kernels kernels, Norm inputNorm, Optional<Norm> postNorm, ModelConfig config, Scratch scratch) {
        this.kernels = kernels;
        this.inputNorm = inputNorm;
        this.postNorm = postNorm;
        this.scale = config.multipliers().residual();
        this.rounds = config.architecture().has(Architecture.Trait.ROUNDED_INPUTS);
        this.normed = scratch.of(Scratch.Use.NORMED, config.hiddenSize());
    }

    /// `inputNorm(hidden)`, ready for a matrix; valid until the next block's.
    Activations enter(Activations hidden) {
        inputNorm.apply(kernels, hidden, normed);
        prepare(normed);
        return normed;
    }

    /// Makes `x` ready for a matrix.
    void prepare(Activations x) {
        if (rounds) {
            kernels.roundToInt8(x);
        }
    }

    /// Adds `delta`, which it changes.
    void leave(Activations delta, Activations hidden) {
        postNorm.ifPresent(norm -> norm.apply(kernels, delta, delta));
        if (scale != 1) {
            kernels.scale(delta, scale);
        }
        kernels.add(hidden, delta);
    }
}
