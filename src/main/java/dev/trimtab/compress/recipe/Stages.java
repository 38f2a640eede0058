package dev.trimtab.compress.recipe;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/// What the entries of a recipe's stages ask for, checked as far as it can be without a checkpoint. Methods go
/// by the names of their tables.
public final class Stages {
    private Stages() {}

    /// An entry of `quantize`.
    ///
    /// @param rounding how codes are chosen: `nearest`, `importance`, `hqq`, `gptq`, `awq`
    /// @param block columns that GPTQ takes together
    /// @param dampening share of the mean diagonal that GPTQ adds to it
    public record Quantize(Scheme scheme, String rounding, int block, float dampening) {
        public static final String NEAREST = "nearest";
        static final int BLOCK = 128;
        static final float DAMPENING = 0.01f;

        public static Quantize nearest(Scheme scheme) {
            return new Quantize(scheme, NEAREST, BLOCK, DAMPENING);
        }
    }

    /// An entry of `prune` about single weights.
    ///
    /// @param share of weights to remove, in 0..1
    public record Sparsity(String method, double share, Pattern pattern) {
        /// Which weights are removed together.
        public sealed interface Pattern {
            /// Each by itself.
            record Single() implements Pattern {}

            /// `kept` of each `of` consecutive ones of a row stay.
            record NofM(int kept, int of) implements Pattern {}

            /// 32 rows lose a column together.
            record Vectors() implements Pattern {}
        }
    }

    /// What is removed as a whole.
    public enum Unit {
        KV_GROUP,
        NEURON
    }

    /// How what a removed unit gave is given back.
    public enum Compensation {
        NONE,
        /// Its mean, as a bias.
        BIAS,
        /// Least squares onto what is kept.
        LSQ
    }

    /// An entry of `prune` about KV groups and neurons.
    ///
    /// @param ratio share of units to remove, in 0..1
    /// @param align neurons are kept in multiples of it
    /// @param global whether layers compete with each other, or each loses `ratio` of its own
    public record Structured(
            String method, Set<Unit> units, double ratio, int align, Compensation compensation, boolean global) {}

    /// What a layer loses.
    public enum LayerPart {
        LAYER,
        ATTENTION,
        FEED_FORWARD
    }

    /// An entry of `prune` about whole layers: those that a rule's layers name, or the `count` of least
    /// influence.
    public record LayerDrop(OptionalInt count, LayerPart part) {}

    /// An entry of `prune` about rows of the vocabulary.
    ///
    /// @param keepCorpus a file whose tokens stay
    public record VocabularyTrim(String keepCorpus) {}

    /// An entry of `lowrank`.
    ///
    /// @param method `svd` or `asvd`
    /// @param energy share of the squared singular values to keep, where no rank is given
    public record Factorize(String method, Whitening whitening, double energy, OptionalInt rank) {}

    /// What the error of a factorization is measured through.
    public enum Whitening {
        NONE,
        DIAG,
        FULL
    }

    /// An entry of `compensate`.
    ///
    /// @param budgetMebibytes of all corrections of the entry; ranks are then shared out
    public record Correct(String method, int rank, OptionalInt budgetMebibytes, int iterations) {}

    /// The text that statistics are taken over.
    ///
    /// @param corpus `builtin`, `file:PATH` or `imatrix:PATH`
    public record Statistics(String corpus, int tokens) {
        public static final Statistics BUILTIN = new Statistics("builtin", 8192);
    }

    /// How the variant is measured and what it must reach.
    ///
    /// @param gates by metric, such as `<=0.05`
    public record Evaluate(String corpus, int tokens, Map<String, String> gates, String onFail) {}

    /// An adapter that is merged before anything is compressed.
    public record Merge(String name, String path, float scale) {}

    /// All that is asked for beside quantization, which every recipe has.
    public record Extras(
            RuleSet<Sparsity> sparsity,
            List<Rule<Structured>> structured,
            List<Rule<LayerDrop>> layerDrops,
            Optional<VocabularyTrim> vocabulary,
            RuleSet<Factorize> lowRank,
            RuleSet<Correct> compensate,
            List<Merge> merges,
            Optional<Statistics> statistics,
            Optional<Evaluate> evaluate,
            long seed) {
        static final long SEED = 7;

        static final Extras NONE = new Extras(
                RuleSet.none(),
                List.of(),
                List.of(),
                Optional.empty(),
                RuleSet.none(),
                RuleSet.none(),
                List.of(),
                Optional.empty(),
                Optional.empty(),
                SEED);

        public Extras {
            structured = List.copyOf(structured);
            layerDrops = List.copyOf(layerDrops);
            merges = List.copyOf(merges);
        }
    }
}
