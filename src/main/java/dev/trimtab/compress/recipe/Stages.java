package dev.trimtab.compress.recipe;

import dev.trimtab.compress.compensate.Compensation;
import dev.trimtab.compress.lowrank.LowRankMethod;
import dev.trimtab.compress.lowrank.RankRule;
import dev.trimtab.compress.prune.SparsityMethod;
import dev.trimtab.compress.prune.StructuredMethod;
import dev.trimtab.compress.prune.VocabularyRows.Limit;
import dev.trimtab.compress.quantize.Gptq;
import dev.trimtab.compress.quantize.Quantization;
import dev.trimtab.compress.quantize.Rounding;
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
    /// @param rounding how scales and codes are chosen
    /// @param gptq for that rounding
    public record Quantize(Scheme scheme, Rounding rounding, Gptq.Options gptq) {
        public static Quantize nearest(Scheme scheme) {
            return new Quantize(scheme, Rounding.NEAREST, Gptq.Options.DEFAULT);
        }

        /// Whether packing alone carries it out.
        public boolean isPacking() {
            return scheme.kept().isEmpty() && rounding == Rounding.NEAREST;
        }

        /// What carries it out where packing does not.
        ///
        /// @throws dev.trimtab.error.BadConfiguration where scheme and rounding do not go together
        public Quantization method() {
            return new Quantization(scheme.chosen(), rounding);
        }
    }

    /// An entry of `prune` about single weights.
    ///
    /// @param share of weights to remove, in 0..1
    public record Sparsity(SparsityMethod method, double share, Pattern pattern) {
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
    public enum MakeUp {
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
            StructuredMethod method, Set<Unit> units, double ratio, int align, MakeUp makeUp, boolean global) {}

    /// What a layer loses.
    public enum LayerPart {
        LAYER,
        ATTENTION,
        FEED_FORWARD
    }

    /// An entry of `prune` about whole layers: those that a rule's layers name, or the `count` of least
    /// influence.
    public record LayerDrop(OptionalInt count, LayerPart part) {}

    /// The entry of `prune` about rows of the vocabulary.
    ///
    /// @param corpus whose tokens are counted, `builtin` or `file:PATH`; empty means that of the statistics
    public record Vocabulary(Limit limit, Optional<String> corpus) {}

    /// An entry of `lowrank`.
    ///
    public record Factorize(LowRankMethod method, RankRule rule) {}

    /// An entry of `compensate`.
    ///
    /// @param how with the rank of each matrix; with a budget, the most that one may get
    /// @param budgetMebibytes of all corrections of the entry; ranks are then shared out
    public record Correct(Compensation how, OptionalInt budgetMebibytes) {
        /// The same with another rank.
        public Correct ofRank(int rank) {
            return new Correct(new Compensation(how.method(), rank, how.store(), how.rounds()), budgetMebibytes);
        }
    }

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
            Optional<Vocabulary> vocabulary,
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

        /// Nothing but `sparsity`.
        static Extras pruning(RuleSet<Sparsity> sparsity) {
            return new Extras(
                    sparsity,
                    NONE.structured,
                    NONE.layerDrops,
                    NONE.vocabulary,
                    NONE.lowRank,
                    NONE.compensate,
                    NONE.merges,
                    NONE.statistics,
                    NONE.evaluate,
                    NONE.seed);
        }

        public Extras {
            structured = List.copyOf(structured);
            layerDrops = List.copyOf(layerDrops);
            merges = List.copyOf(merges);
        }
    }
}
