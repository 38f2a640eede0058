package dev.trimtab.quality.measure;

import dev.trimtab.error.BadCheckpoint;

/// One token as base and variant see it. With p and q their softmaxes, over the ids that the teacher kept and the
/// rest as one bucket, p in the variant's tokens ([Dialect]):
///
/// @param divergence `KL(p || q) = sum_i p_i log(p_i / q_i)`, nats
/// @param isSameTop whether both find the same token likeliest
/// @param margin `p_1 - p_2`, of the base's two likeliest
/// @param overlap `sum_i min(p_i, q_i)`: with what probability a draft by q is accepted by p; one less the total
///     variation
/// @param baseNats `-log p` of the token that came; `variantNats` `-log q`
record TokenComparison(
        double divergence, boolean isSameTop, double margin, double overlap, double baseNats, double variantNats) {
    /// `teacher`'s token `token` against a variant's logits from `at` on, `next` being what came, in `dialect`.
    static TokenComparison of(Teacher teacher, int token, int next, float[] row, int at, Dialect dialect) {
        int vocabSize = dialect.vocabSize(teacher.vocabSize());
        int kept = teacher.kept();
        int first = token * kept;
        double baseSum = teacher.logSums()[token];
        double variantSum = checked(LogitRow.logSum(row, at, vocabSize), "the variant's");
        double divergence = 0;
        double overlap = 0;
        double baseRest = 1;
        double variantRest = 1;
        Dialect.Shares shares = dialect.shares(teacher, token);
        for (int i = 0; i < shares.ids().length; i++) {
            double logP = shares.logarithms()[i];
            double logQ = row[at + shares.ids()[i]] - variantSum;
            double p = Math.exp(logP);
            double q = Math.exp(logQ);
            divergence += p * (logP - logQ);
            overlap += Math.min(p, q);
            baseRest -= p;
            variantRest -= q;
        }
        if (kept < teacher.vocabSize()) {
            divergence += ofRest(baseRest, variantRest);
            overlap += Math.max(0, Math.min(baseRest, variantRest));
        }
        double second = kept > 1 ? Math.exp(teacher.logits()[first + 1] - baseSum) : 0;
        return new TokenComparison(
                divergence,
                dialect.after(teacher.ids()[first]) == LogitRow.top(row, at, vocabSize),
                Math.exp(teacher.logits()[first] - baseSum) - second,
                Math.min(1, overlap),
                baseSum - teacher.own()[token],
                variantSum - row[at + next]);
    }

    /// The rest is what is left of 1, so below the rounding of that sum it is noise.
    private static double ofRest(double p, double q) {
        double least = 1e-12;
        return p <= least ? 0 : p * Math.log(p / Math.max(q, least));
    }

    /// @throws BadCheckpoint where logits gave no number: a weight is broken
    static double checked(double logSum, String whose) {
        if (!Double.isFinite(logSum)) {
            throw new BadCheckpoint(whose + " logits: finite numbers expected, found others; its weights are broken");
        }
        return logSum;
    }

    /// The same where what came goes on with a token that cost `nats`.
    TokenComparison andThen(double nats) {
        return new TokenComparison(divergence, isSameTop, margin, overlap, baseNats, variantNats + nats);
    }

    /// `q - p` of the token that came.
    double delta() {
        return Math.exp(-variantNats) - Math.exp(-baseNats);
    }
}
