package dev.trimtab.variant;

import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.checkpoint.Metadata;
import dev.trimtab.checkpoint.WeightSource;
import dev.trimtab.checkpoint.vocabulary.KeptTokens;
import dev.trimtab.compress.Compression;
import dev.trimtab.compress.recipe.Recipe;
import dev.trimtab.engine.EngineOptions;
import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.model.ForwardPass;
import dev.trimtab.model.LoadListener;
import dev.trimtab.model.Model;
import dev.trimtab.model.ModelConfig;
import dev.trimtab.model.ModelLoader;
import dev.trimtab.template.ChatTemplate;
import dev.trimtab.tensor.Encoding;
import dev.trimtab.tensor.Tensor;
import dev.trimtab.tokenizer.Tokenizer;
import dev.trimtab.variant.adapter.DeclaredAdapters;
import dev.trimtab.variant.llamacpp.LlamaBackend;
import dev.trimtab.variant.llamacpp.LlamaForwardPass;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/// Everything a variant needs of its checkpoint, in memory; the checkpoint itself can be closed.
///
/// @param keptTokens the checkpoint's tokens that stay, where some are gone
/// @param <M> what computes it: our own [Model], or another backend's
record LoadedCheckpoint<M extends ForwardPass>(
        M model,
        Tokenizer tokenizer,
        Optional<ChatTemplate> chatTemplate,
        SamplingDefaults samplingDefaults,
        Map<String, Object> description,
        Optional<KeptTokens> keptTokens) {
    /// What to build of a checkpoint.
    ///
    /// @param options where no recipe says otherwise
    record Request(
            RecipeLoader loader, VariantDeclaration declared, ModelLoader.Options options, Model.Capacity capacity) {
        Optional<Recipe> recipe() {
            return declared.recipe();
        }
    }

    /// Reads tokenizer and template before the weights, so that what is wrong is found before the long part.
    ///
    /// @throws BadCheckpoint also when the vocabulary has other tokens than the embedding has rows
    static LoadedCheckpoint<Model> load(Checkpoint checkpoint, Request request, LoadListener listener) {
        Metadata metadata = checkpoint.metadata();
        ModelConfig config = ModelLoader.configOf(checkpoint);
        Tokenizer tokenizer = tokenizer(metadata, config.vocabSize());
        Optional<ChatTemplate> template = template(metadata);
        SamplingDefaults sampling = SamplingDefaults.of(metadata);
        DeclaredAdapters adapters = new DeclaredAdapters(request.declared().adapters());
        LoadedModel loaded = adapters.load(checkpoint, weights -> model(checkpoint, weights, request, listener));
        Model model = loaded.model();
        Map<String, Object> facts = describe(checkpoint, model, sampling);
        request.recipe().ifPresent(recipe -> facts.put("recipe", recipe.name()));
        if (!adapters.mergedNames().isEmpty()) {
            facts.put("merged_adapters", adapters.mergedNames());
        }
        facts.put("weight_bytes", model.weightBytes());
        facts.put("kv_bytes_per_token", model.kvLayout().tokenBytes());
        return new LoadedCheckpoint<>(
                model,
                loaded.keptTokens().isEmpty() ? tokenizer : Tokenizer.of(loaded.metadata()),
                template,
                sampling,
                Collections.unmodifiableMap(facts),
                loaded.keptTokens());
    }

    private static LoadedModel model(
            Checkpoint checkpoint, WeightSource weights, Request request, LoadListener listener) {
        RecipeLoader loader = request.loader();
        return request.recipe()
                .map(recipe -> loader.load(
                        new RecipeLoader.Request(
                                checkpoint,
                                weights,
                                recipe,
                                request.declared().lock(),
                                request.options(),
                                request.capacity()),
                        listener,
                        Compression.Progress.NONE))
                .orElseGet(() -> new LoadedModel(
                        ModelLoader.load(weights, loader.packing(), request.options(), request.capacity(), listener),
                        weights.metadata(),
                        Optional.empty()));
    }

    /// As [#load], with llama.cpp to compute it; the model is the caller's to close.
    static LoadedCheckpoint<LlamaForwardPass> load(Checkpoint checkpoint, LlamaBackend backend, EngineOptions engine) {
        Metadata metadata = checkpoint.metadata();
        Tokenizer tokenizer = Tokenizer.of(metadata);
        Optional<ChatTemplate> template = template(metadata);
        SamplingDefaults sampling = SamplingDefaults.of(metadata);
        LlamaForwardPass model = backend.load(checkpoint, engine);
        Map<String, Object> facts = describe(checkpoint, model, sampling);
        facts.put("weight_bytes", storedBytes(checkpoint));
        facts.put("backend", Backend.LLAMA_CPP.word());
        return new LoadedCheckpoint<>(
                model, tokenizer, template, sampling, Collections.unmodifiableMap(facts), Optional.empty());
    }

    private static Tokenizer tokenizer(Metadata metadata, int vocabSize) {
        Tokenizer tokenizer = Tokenizer.of(metadata);
        if (tokenizer.vocabulary().size() > vocabSize) {
            throw BadCheckpoint.mismatch(
                    metadata.source() + ": vocabulary",
                    "at most " + vocabSize + " tokens, the rows of the embedding",
                    tokenizer.vocabulary().size());
        }
        return tokenizer;
    }

    private static Optional<ChatTemplate> template(Metadata metadata) {
        return metadata.contains("tokenizer.chat_template")
                ? Optional.of(ChatTemplate.compile(metadata.string("tokenizer.chat_template")))
                : Optional.empty();
    }

    private static Map<String, Object> describe(Checkpoint checkpoint, ForwardPass model, SamplingDefaults sampling) {
        Map<String, Object> facts = new LinkedHashMap<>();
        facts.put("source", checkpoint.metadata().source());
        facts.put("architecture", checkpoint.metadata().string("general.architecture"));
        facts.put("parameters", parameters(checkpoint));
        facts.put("encoding", encodings(checkpoint));
        facts.put("context_length", model.contextLength());
        facts.put("vocab_size", model.vocabSize());
        if (!sampling.equals(SamplingDefaults.NONE)) {
            facts.put("sampling_defaults", sampling.named());
        }
        return facts;
    }

    /// Bytes of the tensors as they stand in the file.
    static long storedBytes(Checkpoint checkpoint) {
        return checkpoint.tensors().values().stream()
                .mapToLong(tensor -> tensor.data().byteSize())
                .sum();
    }

    private static long parameters(Checkpoint checkpoint) {
        return checkpoint.tensors().values().stream()
                .mapToLong(tensor -> tensor.shape().elements())
                .sum();
    }

    /// The encoding that holds most of the weights.
    private static String encodings(Checkpoint checkpoint) {
        Map<Encoding, Long> elements = new TreeMap<>();
        for (Tensor tensor : checkpoint.tensors().values()) {
            elements.merge(tensor.encoding(), tensor.shape().elements(), Long::sum);
        }
        return elements.entrySet().stream()
                .max(Map.Entry.comparingByValue())
                .map(entry -> entry.getKey().name())
                .orElse("none");
    }
}
