package dev.trimtab.api;

import dev.trimtab.checkpoint.Metadata;
import dev.trimtab.checkpoint.MetadataValue;
import dev.trimtab.checkpoint.ValueType;
import dev.trimtab.engine.EngineStatus;
import dev.trimtab.engine.FinishReason;
import dev.trimtab.engine.Generation;
import dev.trimtab.engine.GenerationRequest;
import dev.trimtab.engine.TokenEvent;
import dev.trimtab.engine.TokenSink;
import dev.trimtab.engine.Usage;
import dev.trimtab.error.TrimtabException;
import dev.trimtab.template.ChatTemplate;
import dev.trimtab.tokenizer.Tokenizer;
import dev.trimtab.variant.SamplingDefaults;
import dev.trimtab.variant.Variant;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;

/// A variant without a model: what it answers is a script that the test chooses. A token is a byte of text;
/// the template is ChatML.
public final class FakeVariant implements Variant {
    /// What [#CANNED] answers.
    public static final List<String> WORDS = List.of("The", " capital", " of", " Norway", " is", " Oslo", ".");

    public static final int CONTEXT_LENGTH = 4_096;

    private static final String TEMPLATE = "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' }}"
            + "{% if message['content'] == 'refuse' %}{{ raise_exception('no') }}{% endif %}"
            + "{{ message['content'] + '<|im_end|>' + '\\n' }}{% endfor %}"
            + "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

    /// Answers one submitted sequence, on any thread.
    @FunctionalInterface
    public interface Script {
        void play(Submission submission);
    }

    /// Emits [#WORDS], a token each, as far as `max_tokens` goes. A sequence that ignores the end never ends:
    /// it says the words three times and then waits to be cancelled.
    public static final Script CANNED = FakeVariant::playCanned;

    /// Says nothing; the test speaks.
    public static final Script SILENT = _ -> {};

    /// One submitted sequence.
    public static final class Submission {
        private final GenerationRequest request;
        private final TokenSink sink;
        private final CompletableFuture<Void> cancelled = new CompletableFuture<>();
        private int tokens;

        private Submission(GenerationRequest request, TokenSink sink) {
            this.request = request;
            this.sink = sink;
        }

        public GenerationRequest request() {
            return request;
        }

        /// Completed when the sequence is cancelled.
        public CompletableFuture<Void> cancelled() {
            return cancelled;
        }

        public void emit(String text) {
            emit(text, -0.5f);
        }

        /// As [#emit(String)], each byte a token of log probability `logprob` where the request asks for them,
        /// with the bytes that follow it as alternatives.
        public void emit(String text, float logprob) {
            tokens++;
            byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
            int[] ids = new int[request.topLogprobs() == GenerationRequest.NO_LOGPROBS ? 0 : bytes.length];
            Arrays.setAll(ids, i -> bytes[i] & 0xFF);
            sink.accept(new TokenEvent.Delta(text, 1, logprobs(ids, 0, logprob)));
        }

        /// Scores the prompt where the request asks for it, in two parts.
        public void scorePrompt() {
            if (request.promptScores() == GenerationRequest.PromptScores.ALL && request.prompt().length > 2) {
                int[] prompt = request.prompt();
                sink.accept(new TokenEvent.PromptScored(logprobs(Arrays.copyOf(prompt, 2), 1, -2)));
                sink.accept(new TokenEvent.PromptScored(logprobs(prompt, 2, -2)));
            }
        }

        private List<TokenEvent.Logprobs> logprobs(int[] ids, int from, float logprob) {
            List<TokenEvent.Logprobs> logprobs = new ArrayList<>();
            for (int i = from; i < ids.length; i++) {
                List<TokenEvent.Logprob> top = new ArrayList<>();
                for (int other = 0; other < request.topLogprobs(); other++) {
                    top.add(new TokenEvent.Logprob((ids[i] + other) % 256, logprob - other));
                }
                logprobs.add(new TokenEvent.Logprobs(new TokenEvent.Logprob(ids[i], logprob), top));
            }
            return logprobs;
        }

        public void finish(FinishReason reason) {
            sink.accept(new TokenEvent.Finished(reason, new Usage(request.prompt().length, 0, tokens)));
        }

        public void fail(TrimtabException error) {
            sink.accept(new TokenEvent.Failed(error));
        }
    }

    private final String name;
    private final Tokenizer tokenizer = byteTokenizer();
    private final ChatTemplate template = ChatTemplate.compile(TEMPLATE);
    private final BlockingQueue<Submission> submissions = new LinkedBlockingQueue<>();
    private volatile Script script = CANNED;
    private volatile boolean chatty = true;
    private volatile EngineStatus status = new EngineStatus(0, 0, 0, 64);
    private volatile SamplingDefaults samplingDefaults = SamplingDefaults.NONE;

    public FakeVariant(String name) {
        this.name = name;
    }

    /// How it answers from now on.
    public FakeVariant script(Script next) {
        script = next;
        return this;
    }

    /// From now on it seems to run this many sequences.
    public FakeVariant running(int sequences) {
        status = new EngineStatus(sequences, 0, 0, 64);
        return this;
    }

    /// From now on it has no chat template.
    public FakeVariant withoutTemplate() {
        chatty = false;
        return this;
    }

    /// From now on its makers advise this sampling.
    public FakeVariant advising(SamplingDefaults defaults) {
        samplingDefaults = defaults;
        return this;
    }

    /// What was submitted, oldest first.
    public BlockingQueue<Submission> submissions() {
        return submissions;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public long createdEpochSeconds() {
        return 1_699_999_999;
    }

    @Override
    public int contextLength() {
        return CONTEXT_LENGTH;
    }

    @Override
    public Tokenizer tokenizer() {
        return tokenizer;
    }

    @Override
    public Optional<ChatTemplate> chatTemplate() {
        return chatty ? Optional.of(template) : Optional.empty();
    }

    @Override
    public Map<String, Object> templateDefaults() {
        return Map.of("eos_token", "<|im_end|>");
    }

    @Override
    public SamplingDefaults samplingDefaults() {
        return samplingDefaults;
    }

    @Override
    public Generation submit(GenerationRequest request, TokenSink sink) {
        Submission submission = new Submission(request, sink);
        script.play(submission);
        submissions.add(submission);
        return () -> submission.cancelled().complete(null);
    }

    @Override
    public EngineStatus status() {
        return status;
    }

    @Override
    public Map<String, Object> description() {
        return Map.of("encoding", "F32");
    }

    private static void playCanned(Submission submission) {
        Thread.startVirtualThread(() -> {
            submission.scorePrompt();
            boolean endless = submission.request().stop().ignoreEos();
            int most = Math.min(submission.request().stop().maxTokens(), WORDS.size() * (endless ? 3 : 1));
            for (int i = 0; i < most; i++) {
                submission.emit(WORDS.get(i % WORDS.size()));
            }
            if (!endless) {
                submission.finish(most < WORDS.size() ? FinishReason.LENGTH : FinishReason.STOP);
            }
        });
    }

    // GPT-2's byte alphabet and no merges: printable Latin-1 stands for itself, the rest for U+0100 and on.
    private static Tokenizer byteTokenizer() {
        List<String> tokens = new ArrayList<>();
        int other = 0x100;
        for (int b = 0; b < 256; b++) {
            boolean printable = (b >= '!' && b <= '~') || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE;
            tokens.add(Character.toString(printable ? b : other++));
        }
        tokens.addAll(List.of("<|endoftext|>", "<|im_start|>", "<|im_end|>"));
        long[] kinds = new long[tokens.size()];
        for (int i = 0; i < kinds.length; i++) {
            kinds[i] = i < 256 ? 1 : 3; // normal, control
        }
        return Tokenizer.of(new Metadata(
                "fake",
                Map.of(
                        "tokenizer.ggml.model", new MetadataValue.Text("gpt2"),
                        "tokenizer.ggml.pre", new MetadataValue.Text("smollm"),
                        "tokenizer.ggml.tokens", new MetadataValue.Texts(tokens),
                        "tokenizer.ggml.merges", new MetadataValue.Texts(List.of()),
                        "tokenizer.ggml.token_type", new MetadataValue.Wholes(ValueType.INT32, kinds),
                        "tokenizer.ggml.eos_token_id", new MetadataValue.Whole(ValueType.UINT32, 258))));
    }
}
