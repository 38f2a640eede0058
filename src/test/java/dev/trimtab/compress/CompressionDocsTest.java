package dev.trimtab.compress;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.compress.recipe.Recipe;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// The examples of docs/COMPRESSION.md, as a reader would copy them.
class CompressionDocsTest {
    private static final Path DOCS = Path.of("docs/COMPRESSION.md");
    private static final Pattern EXAMPLE = Pattern.compile("```yaml\n(.*?)```", Pattern.DOTALL);

    static Stream<String> examples() throws IOException {
        Matcher matcher = EXAMPLE.matcher(Files.readString(DOCS));
        List<String> examples = matcher.results().map(result -> result.group(1)).toList();
        assertThat(examples).hasSize(5);
        return examples.stream();
    }

    @ParameterizedTest
    @MethodSource("examples")
    void everyExampleDoesSomethingToTheDemoModel(String yaml) {
        try (Checkpoint checkpoint = Checkpoint.open(Path.of("src/main/resources/models/demo.gguf"))) {
            Plan plan = Plan.of(Recipe.parse("docs/COMPRESSION.md", yaml), checkpoint);
            Plan kept = Plan.of(Recipe.KEEP, checkpoint);

            assertThat(plan.unusedRules()).isEmpty();
            assertThat(plan.bytes()).isLessThan(kept.bytes());
        }
    }
}
