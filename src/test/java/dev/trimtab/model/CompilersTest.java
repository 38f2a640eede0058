package dev.trimtab.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.kernel.Activations;
import dev.trimtab.kernel.vector.Lanes;
import dev.trimtab.tokenizer.Tokenizer;
import dev.trimtab.tokenizer.Tokenizer.ControlTokens;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// The same tokens give the same bits whether their kernels are interpreted, compiled quickly or compiled
/// well, on one thread or several: batch invariance from the first request on. Each case is a JVM of its own,
/// which runs one prompt over and over while its compilers replace the code; all logits must be ours. A JVM
/// without C2 is no case: its vectors stay objects, so the guard serves the scalar twins, which round otherwise.
class CompilersTest {
    private static final Path DEMO = Path.of("src/main/resources/models/demo.gguf");
    private static final String PROMPT = "<|im_start|>user\nWhat is the capital of Norway?<|im_end|>\n".repeat(4);

    @ParameterizedTest
    @CsvSource({
        "80, 30, -XX:-TieredCompilation",
        "80, 30, -XX:CompileThresholdScaling=0.05",
        "80, 30, -XX:ActiveProcessorCount=1",
        "80, 30, -XX:+UnlockDiagnosticVMOptions -XX:+StressLCM -XX:+StressGCM -XX:StressSeed=1",
        "80, 30, -XX:+UnlockDiagnosticVMOptions -XX:+StressLCM -XX:+StressGCM -XX:StressSeed=2"
    })
    void givesTheSameBitsHoweverItIsCompiled(int tokens, int rounds, String options) throws IOException {
        Set<String> own = digests(tokens, 1);

        String output = runElsewhere(tokens, rounds, options);

        assertThat(own).hasSize(1);
        assertThat(output).isEqualTo(own.toString());
    }

    private static String runElsewhere(int tokens, int rounds, String options) throws IOException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.add("--add-modules=jdk.incubator.vector");
        command.add("--enable-native-access=ALL-UNNAMED");
        command.add("-Dkernel.vector.bits=" + Lanes.BITS);
        command.addAll(List.of(options.split(" ")));
        command.addAll(List.of("-cp", System.getProperty("java.class.path")));
        command.addAll(List.of(CompilersTest.class.getName(), Integer.toString(tokens), Integer.toString(rounds)));
        Process process = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        try (var output = process.getInputStream()) {
            return new String(output.readAllBytes(), StandardCharsets.UTF_8).strip();
        }
    }

    /// Prints the digests of `arguments[1]` rounds over `arguments[0]` tokens: one, if all is well.
    static void main(String[] arguments) {
        System.out.println(digests(Integer.parseInt(arguments[0]), Integer.parseInt(arguments[1])));
    }

    private static Set<String> digests(int tokens, int rounds) {
        Set<String> digests = new TreeSet<>();
        try (Checkpoint checkpoint = Checkpoint.open(DEMO);
                ModelRun exact = ModelRun.of(checkpoint, ModelLoader.Options.EXACT);
                ModelRun serving = ModelRun.of(checkpoint, ModelLoader.Options.SERVING)) {
            int[] ids = Arrays.copyOf(
                    Tokenizer.of(checkpoint.metadata()).encodePrompt(PROMPT, ControlTokens.PARSE), tokens);
            for (int round = 0; round < rounds; round++) {
                digests.add(digest(exact, ids) + "-" + digest(serving, ids));
            }
        }
        return digests;
    }

    private static String digest(ModelRun run, int[] ids) {
        Activations logits = run.restart().append(ids);
        float[] used = Arrays.copyOf(logits.values(), ids.length * logits.stride());
        return Integer.toHexString(Arrays.hashCode(used));
    }
}
