package dev.trimtab.compress.lowrank;

import dev.trimtab.compress.calibration.Inputs;
import dev.trimtab.compress.calibration.Needs;

/// The methods of the low-rank stage. All give the product of rank r with the smallest loss
/// `tr((W - W') C (W - W')^T)`, see [Factorizer]; they differ in C.
///
/// | method | C | needs | source |
/// |---|---|---|---|
/// | `svd` | `I` | nothing | Eckart and Young 1936 |
/// | `svd-diag` | `diag(E[x^2])` | statistics | SVD-LLM with the diagonal of its covariance |
/// | `svd-llm` | `E[x x^T]` | covariance | Wang et al. 2024, SVD-LLM, section 3.1 |
/// | `asvd` | `diag(E[abs x]^(2 alpha))`, alpha 0.5 | statistics | Yuan et al. 2023, ASVD, section 3.2 |
public enum LowRankMethod {
    SVD("svd", Needs.NOTHING),
    SVD_DIAGONAL("svd-diag", Needs.STATISTICS),
    SVD_LLM("svd-llm", Needs.COVARIANCE),
    ASVD("asvd", Needs.STATISTICS);

    /// ASVD's exponent; the paper found 0.5 best.
    private static final double ALPHA = 0.5;

    private final String label;
    private final Needs needs;

    LowRankMethod(String label, Needs needs) {
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
            case SVD -> Weighting.none();
            case SVD_DIAGONAL -> Weighting.meanSquares(inputs.statistics(), columns);
            case SVD_LLM -> Weighting.covariance(inputs.covariance(), columns);
            case ASVD -> Weighting.magnitudes(inputs.statistics(), ALPHA, columns);
        };
    }
}
