package dev.trimtab.cli;

import dev.trimtab.app.Serving;
import dev.trimtab.error.InvalidRequest;
import dev.trimtab.variant.Prompts;
import dev.trimtab.variant.Variant;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `trimtab chat`: a conversation on the terminal.
@Command(
        name = "chat",
        description = "Talks with a model; /reset forgets the conversation, /exit or end of input leaves.",
        mixinStandardHelpOptions = true)
final class ChatCommand implements Callable<Integer> {
    @Mixin
    private final ModelOption model = new ModelOption();

    @Mixin
    private final RecipeOption recipe = new RecipeOption();

    @Mixin
    private final SamplingOption sampling = new SamplingOption();

    @Option(names = "--system", description = "The system message.")
    private @Nullable String system;

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws InterruptedException, IOException {
        try (Serving serving = model.start(recipe);
                BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
            converse(serving.registry().list().getFirst(), in);
            return 0;
        }
    }

    private void converse(Variant variant, BufferedReader in) throws IOException, InterruptedException {
        List<Map<String, Object>> messages = opening();
        for (String line = ask(in); line != null && !line.equals("/exit"); line = ask(in)) {
            if (line.equals("/reset")) {
                messages = opening();
            } else if (!line.isBlank()) {
                reply(variant, messages, line);
            }
        }
    }

    /// A turn that fails is taken back, so that the conversation can go on.
    private void reply(Variant variant, List<Map<String, Object>> messages, String line) throws InterruptedException {
        messages.add(Map.of("role", "user", "content", line));
        try {
            int[] ids = Prompts.chat(variant, messages, Map.of());
            String answer = new Answer(variant).print(sampling.request("chat", ids, variant), spec.commandLine());
            messages.add(Map.of("role", "assistant", "content", answer));
        } catch (InvalidRequest refused) {
            messages.removeLast();
            spec.commandLine().getErr().println("trimtab: " + refused.getMessage());
        }
    }

    private List<Map<String, Object>> opening() {
        List<Map<String, Object>> messages = new ArrayList<>();
        if (system != null) {
            messages.add(Map.of("role", "system", "content", system));
        }
        return messages;
    }

    private @Nullable String ask(BufferedReader in) throws IOException {
        PrintWriter out = spec.commandLine().getOut();
        out.print("> ");
        out.flush();
        return in.readLine();
    }
}
