package dev.trimtab.variant;

import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.checkpoint.Metadata;
import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.kernel.Kernels;
import dev.trimtab.kernel.KvLayout;
import dev.trimtab.model.LoadListener;
import dev.trimtab.model.Model;
import dev.trimtab.model.ModelConfig;
import dev.trimtab.model.ModelLoader;
import dev.trimtab.template.ChatTemplate;
import dev.trimtab.tensor.Encoding;
import dev.trimtab.tensor.Tensor;
import dev.trimtab.tokenizer.Tokenizer;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/// Everything a variant needs of its checkpoint, in memory; the checkpoint itself can be closed.
record LoadedCheckpoint(
        Model model, Tokenizer tokenizer, Optional<ChatTemplate> chatTemplate, Map<String, Object> description) {
    /// What to build of a checkpoint.
    record Request(Kernels kernels, ModelLoader.Options options, Model.Capacity capacity) {}

    /// Reads tokenizer and template before the weights, so that what is wrong is found before the long part.
    ///
    /// @throws BadCheckpoint also when the vocabulary has other tokens than the embedding has rows
    static LoadedCheckpoint load(Checkpoint checkpoint, Request request, LoadListener listener) {
        Metadata metadata = checkpoint.metadata();
        ModelConfig config = ModelLoader.configOf(checkpoint);
        Tokenizer tokenizer = Tokenizer.of(metadata);
        if (tokenizer.vocabulary().size() > config.vocabSize()) {
            throw BadCheckpoint.mismatch(
                    metadata.source() + ": vocabulary",
                    "at most " + config.vocabSize() + " tokens, the rows of the embedding",
                    tokenizer.vocabulary().size());
        }
        Optional<ChatTemplate> template = metadata.contains("tokenizer.chat_template")
                ? Optional.of(ChatTemplate.compile(metadata.string("tokenizer.chat_template")))
                : Optional.empty();
        Model model = ModelLoader.load(checkpoint, request.kernels(), request.options(), request.capacity(), listener);
        return new LoadedCheckpoint(model, tokenizer, template, describe(checkpoint, model));
    }

    private static Map<String, Object> describe(Checkpoint checkpoint, Model model) {
        Map<String, Object> facts = new LinkedHashMap<>();
        facts.put("source", checkpoint.metadata().source());
        facts.put("architecture", model.config().architecture().ggufName());
        facts.put("parameters", parameters(checkpoint));
        facts.put("encoding", encodings(checkpoint));
        facts.put("context_length", model.contextLength());
        facts.put("vocab_size", model.vocabSize());
        facts.put("weight_bytes", model.weightBytes());
        facts.put("kv_bytes_per_token", model.kvLayout().blockBytes() / KvLayout.BLOCK_TOKENS);
        return Collections.unmodifiableMap(facts);
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
