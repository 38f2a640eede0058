package dev.trimtab.cli;

import dev.trimtab.error.TrimtabException;
import io.quarkus.runtime.annotations.QuarkusMain;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/// The command line. Only `serve` starts Quarkus.
@QuarkusMain
@Command(
        name = "trimtab",
        description = "Serves a language model to OpenAI clients, compressed while it loads.",
        mixinStandardHelpOptions = true,
        version = "trimtab 0.1.0",
        subcommands = {
            ServeCommand.class,
            RunCommand.class,
            ChatCommand.class,
            TokenizeCommand.class,
            InspectCommand.class,
            ExplainCommand.class,
            CompressCommand.class,
            PullCommand.class,
            BenchCommand.class,
            EvalCommand.class
        })
public final class Main implements Callable<Integer> {
    private static final String VECTOR_MODULE = "jdk.incubator.vector";
    private static final String RELAUNCHED = "jvm.relaunched";

    public static void main(String... args) throws Exception {
        System.exit(needsRelaunch() ? relaunch(args) : run(args));
    }

    static int run(String... args) {
        // The server's log manager must be the first; the default one cannot be replaced later.
        System.setProperty("java.util.logging.manager", "org.jboss.logmanager.LogManager");
        return new CommandLine(new Main())
                .setExecutionExceptionHandler(Main::report)
                .execute(args);
    }

    /// Without a command: serve, which is what `quarkus:dev` runs.
    @Override
    public Integer call() {
        return new ServeCommand().call();
    }

    /// One line for what the user can mend; a trace only for our own faults.
    private static int report(Exception failure, CommandLine commandLine, CommandLine.ParseResult arguments) {
        if (failure instanceof TrimtabException) {
            commandLine.getErr().println("trimtab: " + failure.getMessage());
        } else {
            commandLine.getErr().println("trimtab: internal error; please report it with what follows");
            failure.printStackTrace(commandLine.getErr());
        }
        return commandLine.getCommandSpec().exitCodeOnExecutionException();
    }

    /// The manifest of a jar cannot add modules, so that a plain `java -jar` lacks the Vector API.
    private static boolean needsRelaunch() {
        return ModuleLayer.boot().findModule(VECTOR_MODULE).isEmpty() && System.getProperty(RELAUNCHED) == null;
    }

    private static int relaunch(String... args) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(ProcessHandle.current().info().command().orElse("java"));
        command.add("--add-modules=" + VECTOR_MODULE);
        command.add("--enable-native-access=ALL-UNNAMED");
        command.add("-D" + RELAUNCHED + "=true");
        command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
        command.add("-jar");
        command.add(System.getProperty("java.class.path"));
        command.addAll(List.of(args));
        Process child = new ProcessBuilder(command).inheritIO().start();
        Runtime.getRuntime().addShutdownHook(new Thread(child::destroy));
        return child.waitFor();
    }
}
