package dev.trimtab.cli;

import dev.trimtab.app.TrimtabConfig;
import dev.trimtab.checkpoint.hub.Hub;
import dev.trimtab.checkpoint.hub.HubReference;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `trimtab pull`: fetches a model, so that serving it later needs no network. Prints where it is.
@Command(
        name = "pull",
        description = "Fetches a model from a Hugging Face-compatible hub and prints where it is.",
        mixinStandardHelpOptions = true)
final class PullCommand implements Callable<Integer> {
    @Parameters(
            paramLabel = "hf:ORG/NAME[@REVISION][:FILE|:QUANTIZATION]",
            description = "What to fetch; without a file, a GGUF (Q4_K_M, else Q8_0, else the first) or the folder.")
    private String reference = "";

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() {
        HubReference parsed = HubReference.parse(reference);
        Path path;
        try (ProgressBar progress = new ProgressBar("fetching " + parsed)) {
            path = new Hub(TrimtabConfig.ofProcess().hubOptions(), progress::bytes).fetch(parsed);
        }
        PrintWriter out = spec.commandLine().getOut();
        out.println(path);
        out.flush();
        return 0;
    }
}
