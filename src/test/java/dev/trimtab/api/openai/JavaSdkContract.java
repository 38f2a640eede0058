package dev.trimtab.api.openai;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.JsonValue;
import com.openai.core.http.StreamResponse;
import com.openai.errors.BadRequestException;
import com.openai.errors.NotFoundException;
import com.openai.helpers.ChatCompletionAccumulator;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.chat.completions.ChatCompletionStreamOptions;
import com.openai.models.chat.completions.ChatCompletionTokenLogprob;
import com.openai.models.completions.Completion;
import com.openai.models.completions.CompletionChoice;
import com.openai.models.completions.CompletionCreateParams;
import com.openai.models.models.Model;
import java.io.ByteArrayOutputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Iterator;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// What OpenAI's Java SDK needs of a server that serves the model `demo`, which knows the capital of Norway.
/// Run against the bare server and against the packaged one.
@Timeout(60)
public abstract class JavaSdkContract {
    private OpenAIClient client;

    /// Where the server listens: `http://127.0.0.1:8080`.
    protected abstract URI server();

    /// Returns once no sequence runs; fails after a while.
    protected abstract void awaitNothingRunning() throws Exception;

    @BeforeEach
    void connect() {
        client = OpenAIOkHttpClient.builder()
                .baseUrl(server() + "/v1")
                .apiKey("unused")
                .maxRetries(0)
                .build();
    }

    @AfterEach
    void disconnect() {
        client.close();
    }

    @Test
    void chats() {
        ChatCompletion answer = client.chat().completions().create(question().build());

        assertThat(answer.validate().choices()).hasSize(1);
        assertThat(answer.choices().getFirst().message().content()).hasValue("The capital of Norway is Oslo.");
        assertThat(answer.choices().getFirst().finishReason().asString()).isEqualTo("stop");
        assertThat(answer.id()).startsWith("chatcmpl-");
        assertThat(answer.usage().orElseThrow().totalTokens())
                .isEqualTo(answer.usage().orElseThrow().promptTokens()
                        + answer.usage().orElseThrow().completionTokens());
    }

    @Test
    void streamsTheSameAnswerWithUsage() {
        ChatCompletion whole = client.chat().completions().create(question().build());
        ChatCompletionAccumulator accumulator = ChatCompletionAccumulator.create();

        ChatCompletionCreateParams params = question()
                .streamOptions(
                        ChatCompletionStreamOptions.builder().includeUsage(true).build())
                .build();
        try (StreamResponse<ChatCompletionChunk> stream =
                client.chat().completions().createStreaming(params)) {
            stream.stream().forEach(chunk -> accumulator.accumulate(chunk.validate()));
        }

        ChatCompletion streamed = accumulator.chatCompletion();
        assertThat(streamed.choices().getFirst().message().content())
                .isEqualTo(whole.choices().getFirst().message().content());
        assertThat(streamed.usage().orElseThrow().completionTokens())
                .isEqualTo(whole.usage().orElseThrow().completionTokens());
    }

    @Test
    void answersSeveralTimes() {
        ChatCompletion answer =
                client.chat().completions().create(question().n(2).build());

        assertThat(answer.choices()).extracting(ChatCompletion.Choice::index).containsExactly(0L, 1L);
        assertThat(answer.choices())
                .allSatisfy(
                        choice -> assertThat(choice.message().content()).hasValue("The capital of Norway is Oslo."));
    }

    @Test
    void completesText() {
        Completion answer = client.completions()
                .create(CompletionCreateParams.builder()
                        .model("demo")
                        .prompt("The capital of Norway is")
                        .temperature(0)
                        .maxTokens(3)
                        .build());

        assertThat(answer.validate().choices()).hasSize(1);
        assertThat(answer.usage().orElseThrow().completionTokens()).isBetween(1L, 3L);
    }

    @Test
    void freesAnAbortedStream() throws Exception {
        ChatCompletionCreateParams endless = question()
                .maxCompletionTokens(900)
                .putAdditionalBodyProperty("ignore_eos", JsonValue.from(true))
                .build();

        try (StreamResponse<ChatCompletionChunk> stream =
                        client.chat().completions().createStreaming(endless);
                Stream<ChatCompletionChunk> chunks = stream.stream()) {
            Iterator<ChatCompletionChunk> some = chunks.iterator();
            for (int i = 0; i < 5; i++) {
                some.next();
            }
        }

        awaitNothingRunning();
    }

    @Test
    void namesTheUnknownModel() {
        NotFoundException failure = catchThrowableOfType(
                NotFoundException.class,
                () -> client.chat()
                        .completions()
                        .create(question().model("nothing").build()));

        assertThat(failure.statusCode()).isEqualTo(404);
        assertThat(failure.code()).hasValue("model_not_found");
        assertThat(failure.getMessage()).contains("nothing").contains("demo");
    }

    @Test
    void refusesPromptLongerThanContext() {
        ChatCompletionCreateParams tooLong = ChatCompletionCreateParams.builder()
                .model("demo")
                .addUserMessage("Norway ".repeat(5_000))
                .build();

        assertThatThrownBy(() -> client.chat().completions().create(tooLong))
                .isInstanceOfSatisfying(
                        BadRequestException.class,
                        failure -> assertThat(failure.code()).hasValue("context_length_exceeded"));
    }

    @Test
    void refusesAnOptionOutOfRangeByName() {
        assertThatThrownBy(() -> client.chat()
                        .completions()
                        .create(question().temperature(3.5).build()))
                .isInstanceOfSatisfying(
                        BadRequestException.class,
                        failure -> assertThat(failure.param()).hasValue("temperature"));
    }

    @Test
    void listsAndShowsModels() {
        List<Model> models = client.models().list().data();

        assertThat(models).extracting(Model::id).contains("demo");
        assertThat(client.models().retrieve("demo").validate().id()).isEqualTo("demo");
        assertThatThrownBy(() -> client.models().retrieve("nothing")).isInstanceOf(NotFoundException.class);
    }

    @Test
    void reportsLogProbabilitiesOfAChat() throws Exception {
        ChatCompletion answer = client.chat()
                .completions()
                .create(question().logprobs(true).topLogprobs(3).build())
                .validate();

        List<ChatCompletionTokenLogprob> tokens =
                answer.choices().getFirst().logprobs().orElseThrow().content().orElseThrow();
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        for (ChatCompletionTokenLogprob token : tokens) {
            assertThat(token.logprob()).isBetween(-20.0, 0.0);
            assertThat(token.topLogprobs()).hasSize(3);
            assertThat(token.topLogprobs().getFirst().token()).isEqualTo(token.token()); // temperature 0
            token.bytes().orElseThrow().forEach(b -> bytes.write(b.intValue()));
        }
        assertThat(bytes.toString(StandardCharsets.UTF_8)).isEqualTo("The capital of Norway is Oslo.");
    }

    @Test
    void streamsTheSameLogProbabilities() {
        ChatCompletionAccumulator accumulator = ChatCompletionAccumulator.create();
        ChatCompletionCreateParams params =
                question().logprobs(true).topLogprobs(2).build();

        try (StreamResponse<ChatCompletionChunk> stream =
                client.chat().completions().createStreaming(params)) {
            stream.stream().forEach(chunk -> accumulator.accumulate(chunk.validate()));
        }

        ChatCompletion whole = client.chat().completions().create(params);
        assertThat(accumulator
                        .chatCompletion()
                        .choices()
                        .getFirst()
                        .logprobs()
                        .orElseThrow()
                        .content())
                .isEqualTo(whole.choices().getFirst().logprobs().orElseThrow().content());
    }

    @Test
    void scoresAPromptThatItEchoes() {
        Completion answer = client.completions()
                .create(CompletionCreateParams.builder()
                        .model("demo")
                        .prompt("The capital of Norway")
                        .echo(true)
                        .logprobs(2)
                        .maxTokens(0)
                        .build()); // its first token has no score, as OpenAI's; the SDK reads but does not validate
        // that

        CompletionChoice choice = answer.choices().getFirst();
        CompletionChoice.Logprobs logprobs = choice.logprobs().orElseThrow();
        int count = Math.toIntExact(answer.usage().orElseThrow().promptTokens());
        assertThat(choice.text()).isEqualTo("The capital of Norway");
        assertThat(answer.usage().orElseThrow().completionTokens()).isZero();
        assertThat(String.join("", logprobs.tokens().orElseThrow())).isEqualTo("The capital of Norway");
        assertThat(logprobs.textOffset().orElseThrow())
                .hasSize(count)
                .isSorted()
                .startsWith(0L);
        List<Double> scores = logprobs.tokenLogprobs().orElseThrow();
        assertThat(scores).hasSize(count);
        assertThat(scores.getFirst()).isNull();
        assertThat(scores.subList(1, count))
                .allSatisfy(score -> assertThat(score).isNegative());
        assertThat(logprobs.topLogprobs().orElseThrow().subList(1, count)).doesNotContainNull();
    }

    @Test
    void choosesTheBestOfSeveral() {
        Completion answer = client.completions()
                .create(CompletionCreateParams.builder()
                        .model("demo")
                        .prompt("The capital")
                        .n(2)
                        .bestOf(4)
                        .logprobs(0)
                        .seed(3)
                        .maxTokens(5)
                        .build())
                .validate();

        assertThat(answer.choices()).hasSize(2);
        assertThat(mean(answer.choices().getFirst()))
                .isGreaterThanOrEqualTo(mean(answer.choices().getLast()));
        assertThat(answer.usage().orElseThrow().completionTokens()).isGreaterThan(5);
    }

    private static double mean(CompletionChoice choice) {
        return choice.logprobs().orElseThrow().tokenLogprobs().orElseThrow().stream()
                .mapToDouble(Double::doubleValue)
                .average()
                .orElseThrow();
    }

    private static ChatCompletionCreateParams.Builder question() {
        return ChatCompletionCreateParams.builder()
                .model("demo")
                .temperature(0)
                .addUserMessage("What is the capital of Norway?");
    }
}
