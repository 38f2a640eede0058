package dev.trimtab.compress;

import dev.trimtab.compress.calibration.Needs;
import dev.trimtab.compress.quantize.Rounding;
import dev.trimtab.compress.recipe.RuleSet;
import dev.trimtab.compress.recipe.Stages.Correct;
import dev.trimtab.compress.recipe.Stages.Extras;
import dev.trimtab.compress.recipe.Stages.Factorize;
import dev.trimtab.compress.recipe.Stages.Quantize;
import dev.trimtab.compress.recipe.Stages.Sparsity;
import dev.trimtab.compress.recipe.Subject;
import java.util.List;
import java.util.Optional;

/// Picks for one matrix what each stage does to it, and says so in `why`.
record TreatmentChoice(Extras extras, Subject subject, int layers, List<String> why) {
    Treatment of(Quantize quantize) {
        // A stack of experts is no matrix, and one that is only looked up meets no activation.
        if (subject.tensor().shape().rank() > 2 || subject.isTable()) {
            return plain(quantize);
        }
        Optional<Sparsity> sparsity = winner(extras.sparsity());
        Optional<Factorize> factorize = winner(extras.lowRank());
        Optional<Correct> correct = winner(extras.compensate());
        if (quantize.rounding() != Rounding.NEAREST) {
            why.add("codes by " + quantize.rounding().label());
        }
        return new Treatment(sparsity, factorize, quantize, correct);
    }

    private Treatment plain(Quantize quantize) {
        if (quantize.rounding().needs() != Needs.NOTHING) {
            why.add("rounded to the nearest: " + quantize.rounding().label()
                    + " is for single matrices that are multiplied");
        }
        return new Treatment(Optional.empty(), Optional.empty(), Quantize.nearest(quantize.scheme()), Optional.empty());
    }

    private <T> Optional<T> winner(RuleSet<T> rules) {
        Optional<RuleSet.Winner<T>> won = rules.winner(subject, layers);
        won.ifPresent(winner -> why.add(winner.rule().text()));
        return won.map(winner -> winner.rule().action());
    }
}
