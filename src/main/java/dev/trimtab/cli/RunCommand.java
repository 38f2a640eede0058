package dev.trimtab.cli;

import dev.trimtab.app.Serving;
import dev.trimtab.variant.Prompts;
import dev.trimtab.variant.Variant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `trimtab run`: one prompt, one answer, streamed to standard output.
@Command(name = "run", description = "Answers one prompt.", mixinStandardHelpOptions = true)
final class RunCommand implements Callable<Integer> {
    @Mixin
    private final ModelOption model = new ModelOption();

    @Mixin
    private final RecipeOption recipe = new RecipeOption();

    @Mixin
    private final SamplingOption sampling = new SamplingOption();

    @Option(names = "--raw", description = "Continue the text as it stands, without the chat template.")
    private boolean raw;

    @Parameters(paramLabel = "PROMPT")
    private String prompt = "";

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws InterruptedException {
        try (Serving serving = model.start(recipe)) {
            Variant variant = serving.registry().list().getFirst();
            boolean plain = raw || variant.chatTemplate().isEmpty();
            int[] ids = plain
                    ? Prompts.text(variant, prompt)
                    : Prompts.chat(variant, List.of(Map.of("role", "user", "content", prompt)), Map.of());
            new Answer(variant).print(sampling.request("run", ids, variant), spec.commandLine());
            return 0;
        }
    }
}
