package dev.trimtab.compress;

import dev.trimtab.compress.calibration.Inputs;
import dev.trimtab.compress.calibration.Needs;
import dev.trimtab.compress.compensate.RankBudget;
import dev.trimtab.compress.lowrank.LowRankResult;
import dev.trimtab.compress.lowrank.LowRankStage;
import dev.trimtab.compress.matrix.Matrix;
import dev.trimtab.compress.prune.CollapseCheck;
import dev.trimtab.compress.prune.VectorSparsity;
import dev.trimtab.compress.prune.WeightPattern;
import dev.trimtab.compress.quantize.ActivationScaling;
import dev.trimtab.compress.quantize.Quantization;
import dev.trimtab.compress.quantize.QuantizeJob;
import dev.trimtab.compress.quantize.QuantizeScheme;
import dev.trimtab.compress.quantize.Rounding;
import dev.trimtab.compress.recipe.Stages.Correct;
import dev.trimtab.compress.recipe.Stages.Factorize;
import dev.trimtab.compress.recipe.Stages.Quantize;
import dev.trimtab.compress.recipe.Stages.Sparsity;
import dev.trimtab.kernel.ComputePool;
import dev.trimtab.tensor.Encoding;
import dev.trimtab.tensor.TensorForm;
import dev.trimtab.tensor.quantize.Quantizer;
import java.util.Optional;
import java.util.function.DoubleConsumer;

/// Carries the stages out on one matrix: what single weights are removed, then a product of low rank where it
/// is smaller, then codes, then a correction of all that was lost.
///
/// @param stored the encoding of the checkpoint, which what nobody quantizes goes back to
/// @param columnScale what AWQ multiplies columns with; their input is divided by it
/// @param inputs asked only for what a method needs
/// @param progress is told the share that is done, `0..1`, now and then
record MatrixStages(
        String name,
        Encoding stored,
        Treatment treatment,
        Optional<float[]> columnScale,
        Inputs inputs,
        long seed,
        ComputePool pool,
        DoubleConsumer progress) {
    /// The form of `original`, which is not changed.
    TensorForm form(Matrix original) {
        TensorForm base = base(original);
        if (treatment.correct().isEmpty()) {
            return base;
        }
        Correct asked = treatment.correct().get();
        if (asked.how().rounds() > 1 && treatment.sparsity().isEmpty()) {
            var alternated =
                    asked.how().alternate(name, original, matrix -> Matrix.of(name, base(matrix)), inputs, seed, pool);
            return summed(base(alternated.base()), alternated.correction());
        }
        Matrix error = original.minus(Matrix.of(name, base));
        return summed(base, asked.how().correct(name, error, inputs, seed, pool));
    }

    /// What a correction of `original` would give, direction by direction.
    RankBudget.Candidate gains(Matrix original) {
        Correct asked = treatment.correct().orElseThrow();
        Matrix error = original.minus(Matrix.of(name, base(original)));
        double[] energies = asked.how().gains(error, inputs, seed, pool);
        return RankBudget.Candidate.of(
                original.rows(), original.columns(), energies, asked.how().store());
    }

    private static TensorForm summed(TensorForm base, Optional<TensorForm.LowRank> correction) {
        return correction
                .<TensorForm>map(found -> new TensorForm.Sum(base, found))
                .orElse(base);
    }

    private TensorForm base(Matrix original) {
        Matrix left = original;
        if (treatment.sparsity().isPresent()) {
            Sparsity asked = treatment.sparsity().get();
            switch (asked.pattern()) {
                case Sparsity.Pattern.Vectors() -> {
                    return vectors(original, asked);
                }
                case Sparsity.Pattern.Single() ->
                    left = pruned(original, asked, new WeightPattern.Share(asked.share()));
                case Sparsity.Pattern.NofM(int kept, int of) ->
                    left = pruned(original, asked, new WeightPattern.KeptOf(kept, of));
            }
        }
        Optional<TensorForm.LowRank> product = product(left);
        if (product.isPresent()) {
            return new TensorForm.LowRank(
                    factor("left factor", product.get().left()),
                    factor("right factor", product.get().right()));
        }
        return quantized(left, inputs);
    }

    private Matrix pruned(Matrix original, Sparsity asked, WeightPattern pattern) {
        Matrix left = asked.method().prune(original, inputs, pattern, seed, pool);
        CollapseCheck.check(name, asked.method().label(), left);
        return left;
    }

    private TensorForm vectors(Matrix original, Sparsity asked) {
        double density = 1 - asked.share();
        VectorSparsity kept = asked.method().needs() == Needs.NOTHING
                ? VectorSparsity.byMagnitude(original, density)
                : VectorSparsity.bySaliency(original, inputs.statistics().meanSquare(), density);
        return kept.form(name, original, Encoding.Q8_0);
    }

    private Optional<TensorForm.LowRank> product(Matrix matrix) {
        if (treatment.factorize().isEmpty()) {
            return Optional.empty();
        }
        Factorize asked = treatment.factorize().get();
        LowRankStage stage = new LowRankStage(asked.method(), asked.rule(), Encoding.F16, Long.MAX_VALUE);
        return switch (stage.apply(name, matrix, inputs, seed, pool)) {
            case LowRankResult.Factored(TensorForm.LowRank form, double _) -> Optional.of(form);
            case LowRankResult.Kept _ -> Optional.empty();
        };
    }

    /// Methods that need inputs know those of the whole matrix, not of its factors.
    private TensorForm factor(String which, TensorForm factor) {
        Quantize asked = treatment.quantize();
        if (asked.scheme().format().isEmpty()) {
            return factor;
        }
        Matrix matrix = Matrix.of(name + ", " + which, factor);
        QuantizeScheme scheme = asked.scheme().chosen().fitting(matrix.columns());
        return new Quantization(scheme, Rounding.NEAREST)
                .quantize(QuantizeJob.uncalibrated(name, matrix, pool))
                .form();
    }

    private TensorForm quantized(Matrix matrix, Inputs known) {
        Quantize asked = treatment.quantize();
        if (asked.scheme().format().isEmpty() && asked.scheme().kept().isEmpty()) {
            return encoded(matrix);
        }
        QuantizeScheme scheme = asked.scheme().chosen().fitting(matrix.columns());
        Rounding rounding = scheme.equals(asked.scheme().chosen()) ? asked.rounding() : Rounding.NEAREST;
        QuantizeJob job = new QuantizeJob(name, matrix, known, asked.gptq(), pool, progress);
        if (columnScale.isPresent() && scheme instanceof QuantizeScheme.Codes codes) {
            return ActivationScaling.quantize(job, codes, columnScale.get()).form();
        }
        return new Quantization(scheme, rounding).quantize(job).unscaled(name);
    }

    /// As it was stored, or in 16 bits where that cannot be written.
    private TensorForm encoded(Matrix matrix) {
        boolean fits = Quantizer.canEncode(stored) && matrix.columns() % stored.blockElements() == 0;
        QuantizeScheme scheme = new QuantizeScheme.Blocks(fits ? stored : Encoding.F16);
        return new Quantization(scheme, Rounding.NEAREST)
                .quantize(QuantizeJob.uncalibrated(name, matrix, pool))
                .form();
    }
}
