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
import com.openai.models.completions.Completion;
import com.openai.models.completions.CompletionCreateParams;
import com.openai.models.models.Model;
import java.net.URI;
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

    private static ChatCompletionCreateParams.Builder question() {
        return ChatCompletionCreateParams.builder()
                .model("demo")
                .temperature(0)
                .addUserMessage("What is the capital of Norway?");
    }
}
