package dev.trimtab.compress.lowrank;

import dev.trimtab.compress.matrix.Matrix;
import dev.trimtab.compress.matrix.Subspace;
import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.kernel.ComputePool;

/// Finds the product of rank r whose loss under a [Weighting] is smallest.
///
/// With `C = S S^T`, the loss of W' is `|(W - W') S|_F^2`. By Eckart and Young (1936) the best `W' S` of rank
/// r is `U_r U_r^T W S`, U_r the first left singular vectors of `W S`; hence `W' = U_r (U_r^T W)`. SVD-LLM
/// (Wang et al. 2024) and EoRA (Liu et al. 2024) write the same product as `U_r Sigma_r V_r^T S^-1`, for S the
/// Cholesky factor of C and `Q Lambda^(1/2)` of its eigenvalues. We never need S nor its inverse: U are the
/// eigenvectors of `W C W^T`, which [Subspace] finds by multiplying with W and C, so C may be singular and
/// needs no damping. The k-th eigenvalue is what direction k takes off the loss.
///
/// @param seed of the random directions: equal seeds give equal factors
public record Factorizer(Matrix matrix, Weighting weighting, long seed, ComputePool pool) {
    /// Directions that are computed at most: the small eigenproblem is solved on one thread and takes a
    /// second for so many.
    public static final int RANK_MAX = 1024;

    /// The best factors of rank `rank`, or of the matrix's smaller extent where that is less.
    ///
    /// @throws BadCheckpoint where the weights, or their products with the inputs, leave the floats' range
    public Factors ofRank(int rank) {
        assert rank >= 1 && rank <= RANK_MAX : rank;
        Subspace subspace = Subspace.dominant(matrix, t -> weighting.times(t, pool), rank, seed, pool);
        for (double value : subspace.values()) {
            if (!Double.isFinite(value)) {
                throw new BadCheckpoint("low rank: energies within the range of floats expected, found " + value);
            }
        }
        return new Factors(subspace.directions(), subspace.coordinates(), subspace.values());
    }

    /// `tr(W C W^T)`: what the energies of all directions sum up to.
    public double energy() {
        return weighting.energy(matrix, pool);
    }
}
