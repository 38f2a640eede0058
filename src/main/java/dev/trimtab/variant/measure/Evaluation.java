package dev.trimtab.variant.measure;

import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.compress.recipe.Recipe;
import dev.trimtab.compress.recipe.Stages.Evaluate;
import dev.trimtab.error.BadConfiguration;
import dev.trimtab.model.ModelLoader;
import dev.trimtab.quality.measure.Gates;
import dev.trimtab.quality.measure.Gates.OnFail;
import dev.trimtab.quality.measure.Gates.Verdict;
import dev.trimtab.quality.measure.MeasuredText;
import dev.trimtab.quality.measure.Metric;
import dev.trimtab.tokenizer.Tokenizer;
import dev.trimtab.tokenizer.Tokenizer.ControlTokens;
import dev.trimtab.variant.CalibrationCorpus;
import dev.trimtab.variant.Measured;
import dev.trimtab.variant.RecipeLoader;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/// What a variant is measured on and what it must reach: a recipe's `evaluate`, checked.
///
/// @param file the text; empty means the corpus of our own
/// @param tokens of it at most
record Evaluation(Optional<Path> file, int tokens, Gates gates) {
    /// A pass of eight full contexts: seconds for a small model, minutes for a large one, and errors of same-top
    /// below a hundredth.
    private static final int TOKENS_DEFAULT = 4096;

    private static final String BUILT_IN = "builtin";
    private static final String FILE = "file:";

    /// What `recipe` asks for; without a word of it 4096 tokens of the corpus of our own, and nothing demanded.
    ///
    /// @throws BadConfiguration for a gate, a corpus or a length that is none
    static Evaluation of(Optional<Recipe> recipe) {
        return recipe.flatMap(asking -> asking.extras().evaluate().map(asked -> of(asking, asked)))
                .orElse(new Evaluation(Optional.empty(), TOKENS_DEFAULT, Gates.NONE));
    }

    private static Evaluation of(Recipe recipe, Evaluate asked) {
        if (asked.tokens() > MeasuredText.SCORED_MAX) {
            throw new BadConfiguration(recipe.name() + ": evaluate.tokens: at most " + MeasuredText.SCORED_MAX
                    + " expected, found " + asked.tokens());
        }
        return new Evaluation(
                file(recipe, asked.corpus()), asked.tokens(), Gates.parse(asked.gates(), OnFail.parse(asked.onFail())));
    }

    private static Optional<Path> file(Recipe recipe, String corpus) {
        if (corpus.equals(BUILT_IN)) {
            return Optional.empty();
        }
        if (!corpus.startsWith(FILE)) {
            throw new BadConfiguration(
                    recipe.name() + ": evaluate.corpus: builtin or file:PATH expected, found `" + corpus + "`");
        }
        return Optional.of(RecipeLoader.file(recipe, corpus.substring(FILE.length())));
    }

    /// The text as a model of `checkpoint` reads it: documents of the corpus each for itself, a file in
    /// llama-perplexity's chunks.
    MeasuredText text(Checkpoint checkpoint) {
        Tokenizer tokenizer = Tokenizer.of(checkpoint.metadata());
        int context = Math.min(
                MeasuredText.CONTEXT_DEFAULT, ModelLoader.configOf(checkpoint).maxPositionEmbeddings());
        return file.map(path -> MeasuredText.chunked(
                        tokenizer, CalibrationCorpus.file(path).getFirst(), ControlTokens.PARSE, context, tokens))
                .orElseGet(() -> MeasuredText.documents(
                        tokenizer, CalibrationCorpus.builtIn(checkpoint.metadata(), tokenizer), context, tokens));
    }

    /// What `facts`, a measurement's, mean to who serves the variant.
    Measured judge(Map<String, ? extends Number> facts) {
        Map<String, Object> figures = new LinkedHashMap<>(facts);
        Optional<String> missed = switch (gates.check(facts)) {
            case Verdict.Passed _ -> Optional.empty();
            case Verdict.Missed verdict -> Optional.of(verdict.toString());
        };
        missed.filter(_ -> gates.onFail() == OnFail.WARN).ifPresent(text -> figures.put(Measured.WARNING, text));
        return new Measured(
                Metric.SAME_TOP.of(facts),
                Metric.DECODE_TPS.of(facts),
                missed.filter(_ -> gates.onFail() == OnFail.QUARANTINE),
                figures);
    }
}
