package dev.trimtab.cli;

import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.tokenizer.Tokenizer;
import dev.trimtab.tokenizer.Tokenizer.ControlTokens;
import java.io.PrintWriter;
import java.util.Arrays;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `trimtab tokenize`: the ids of a text. Needs a vocabulary only, no weights.
@Command(name = "tokenize", description = "Prints the token ids of a text.", mixinStandardHelpOptions = true)
final class TokenizeCommand implements Callable<Integer> {
    @Mixin
    private final ModelOption model = new ModelOption();

    @Option(names = "--pieces", description = "One token a line: id, tab, text.")
    private boolean pieces;

    @Parameters(paramLabel = "TEXT")
    private String text = "";

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() {
        try (Checkpoint checkpoint = model.open()) {
            Tokenizer tokenizer = Tokenizer.of(checkpoint.metadata());
            int[] ids = tokenizer.encode(text, ControlTokens.PARSE);
            PrintWriter out = spec.commandLine().getOut();
            if (pieces) {
                Arrays.stream(ids)
                        .forEach(id ->
                                out.println(id + "\t" + tokenizer.vocabulary().piece(id)));
            } else {
                out.println(Arrays.stream(ids).mapToObj(String::valueOf).collect(Collectors.joining(" ")));
            }
            out.flush();
            return 0;
        }
    }
}
