package dev.trimtab.compress.compensate;

import dev.trimtab.compress.calibration.Inputs;
import dev.trimtab.compress.calibration.Needs;
import dev.trimtab.compress.lowrank.LowRankMethod;
import dev.trimtab.compress.lowrank.Weighting;

/// The methods that correct a compressed matrix Q by a product of low rank: for the error `D = W - Q` they
/// find the `B A` of rank r with the smallest loss `tr((D - B A) C (D - B A)^T)`, see
/// [dev.trimtab.compress.lowrank.Factorizer]; they differ in C, and are the factorizations of the error that the
/// low-rank stage has of matrices. All may alternate with the quantizer
/// ([Compensation#alternate], LoftQ: Li et al. 2023, algorithm 1).
///
/// | method | C | needs | source |
/// |---|---|---|---|
/// | `lqer` | `I` | nothing | Zhang et al. 2024, LQER, section 3.1 |
/// | `l2qer` | `diag(E[x^2])` | statistics | the same, section 3.2, which scales by mean magnitudes |
/// | `eora` | `E[x x^T]` | covariance | Liu et al. 2024, EoRA, section 3 |
public enum CompensateMethod {
    LQER("lqer", LowRankMethod.SVD),
    L2QER("l2qer", LowRankMethod.SVD_DIAGONAL),
    EORA("eora", LowRankMethod.SVD_LLM);

    private final String label;
    private final LowRankMethod factorization;

    CompensateMethod(String label, LowRankMethod factorization) {
        this.label = label;
        this.factorization = factorization;
    }

    /// As recipes spell it.
    public String label() {
        return label;
    }

    public Needs needs() {
        return factorization.needs();
    }

    /// C for a matrix of `columns` columns with these inputs, of which only what [#needs] says is asked.
    public Weighting weighting(Inputs inputs, int columns) {
        return factorization.weighting(inputs, columns);
    }
}
