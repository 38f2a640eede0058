package dev.trimtab.compress.compensate;

import dev.trimtab.compress.calibration.Inputs;
import dev.trimtab.compress.calibration.Needs;
import dev.trimtab.compress.lowrank.Weighting;

/// The methods that correct a compressed matrix Q by a product of low rank: for the error `D = W - Q` they
/// find the `B A` of rank r with the smallest loss `tr((D - B A) C (D - B A)^T)`, see
/// [dev.trimtab.compress.lowrank.Factorizer]; they differ in C. All may alternate with the quantizer
/// ([Compensation#alternate], LoftQ: Li et al. 2023, algorithm 1).
///
/// | method | C | needs | source |
/// |---|---|---|---|
/// | `lqer` | `I` | nothing | Zhang et al. 2024, LQER, section 3.1 |
/// | `l2qer` | `diag(E[x^2])` | statistics | the same, section 3.2, which scales by mean magnitudes |
/// | `eora` | `E[x x^T]` | covariance | Liu et al. 2024, EoRA, section 3 |
public enum CompensateMethod {
    LQER("lqer", Needs.NOTHING),
    L2QER("l2qer", Needs.STATISTICS),
    EORA("eora", Needs.COVARIANCE);

    private final String label;
    private final Needs needs;

    CompensateMethod(String label, Needs needs) {
        this.label = label;
        this.needs = needs;
    }

    /// As recipes spell it.
    public String label() {
        return label;
    }

    public Needs needs() {
        return needs;
    }

    /// C for a matrix of `columns` columns with these inputs, of which only what [#needs] says is asked.
    public Weighting weighting(Inputs inputs, int columns) {
        return switch (this) {
            case LQER -> Weighting.none();
            case L2QER -> Weighting.meanSquares(inputs.statistics(), columns);
            case EORA -> Weighting.covariance(inputs.covariance(), columns);
        };
    }
}
