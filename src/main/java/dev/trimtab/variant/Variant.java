package dev.trimtab.variant;

import dev.trimtab.engine.EngineStatus;
import dev.trimtab.engine.Generation;
import dev.trimtab.engine.GenerationRequest;
import dev.trimtab.engine.TokenSink;
import dev.trimtab.template.ChatTemplate;
import dev.trimtab.tokenizer.Tokenizer;
import dev.trimtab.variant.adapter.Adapters;
import java.util.Map;
import java.util.Optional;

/// A served variant as the API and the router see it, whatever runs it.
public interface Variant {
    /// The model id that clients name.
    String name();

    /// When it was loaded, in seconds since 1970.
    long createdEpochSeconds();

    /// Longest sequence, prompt and output together, in tokens.
    int contextLength();

    Tokenizer tokenizer();

    /// The checkpoint's chat template; empty where it has none.
    Optional<ChatTemplate> chatTemplate();

    /// What every rendering of the template sees beside the messages: `bos_token` and `eos_token`.
    Map<String, Object> templateDefaults();

    /// What a request that leaves these fields out is sampled with.
    SamplingDefaults samplingDefaults();

    /// Queues a sequence; see [dev.trimtab.engine.Engine#submit].
    Generation submit(GenerationRequest request, TokenSink sink);

    EngineStatus status();

    /// Packed weights, and how much of them goes with it.
    default WeightBytes weightBytes() {
        return new WeightBytes(description().get("weight_bytes") instanceof Number bytes ? bytes.longValue() : 0, 0);
    }

    /// What can be loaded over it.
    default Adapters adapters() {
        return Adapters.NONE;
    }

    /// The variant this is an adapter of.
    default Optional<String> parent() {
        return Optional.empty();
    }

    /// Facts for people, in the order to show them: architecture, parameters, encoding, bytes.
    Map<String, Object> description();
}
