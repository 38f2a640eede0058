package dev.trimtab;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Which package may use which, as data. An arrow that is not here does not pass; one that is no longer
/// needed is cheap to take out.
class ArchitectureTest {
    private static final String ROOT = "dev.trimtab";

    /// `error` may be used by all; `cli` and `app` compose the rest and nothing uses them.
    private static final Map<String, Set<String>> MAY_USE = Map.ofEntries(
            Map.entry("error", Set.of()),
            Map.entry("tensor", Set.of()),
            Map.entry("kernel", Set.of("tensor")),
            Map.entry("checkpoint", Set.of("tensor")),
            Map.entry("tokenizer", Set.of("checkpoint")),
            Map.entry("template", Set.of()),
            Map.entry("compress", Set.of("tensor", "kernel", "checkpoint")),
            Map.entry("model", Set.of("tensor", "kernel", "checkpoint")),
            Map.entry("engine", Set.of("tensor", "kernel", "tokenizer", "model")),
            Map.entry("quality", Set.of("tensor", "kernel", "checkpoint", "compress", "tokenizer", "model", "engine")),
            Map.entry(
                    "variant",
                    Set.of(
                            "tensor",
                            "kernel",
                            "checkpoint",
                            "compress",
                            "tokenizer",
                            "template",
                            "model",
                            "engine",
                            "quality")),
            Map.entry("api", Set.of("variant", "engine", "tokenizer", "template")),
            Map.entry("telemetry", Set.of("engine", "variant", "api")),
            Map.entry("cli", Set.of("*")),
            Map.entry("app", Set.of("*")));

    /// Packages of plain Java: nothing of a framework, no databind, no metrics library.
    private static final Set<String> PLAIN = Set.of(
            "error",
            "tensor",
            "kernel",
            "checkpoint",
            "tokenizer",
            "template",
            "compress",
            "model",
            "engine",
            "quality",
            "variant");

    /// Libraries of single packages: recipes are YAML, read token by token, and decompositions are EJML's.
    private static final Map<String, List<String>> LIBRARIES =
            Map.of("compress", List.of("com.fasterxml.jackson.dataformat.yaml..", "org.ejml.."));

    /// `cli` and `app` start each other: the command starts the server, whose start-up reads the command's
    /// options.
    private static final DescribedPredicate<JavaClass> COMPOSITION =
            describe("in cli or app", type -> Set.of("cli", "app").contains(packageOf(type)));

    private static final JavaClasses CLASSES = new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .importPackages(ROOT);

    static Set<String> packages() {
        return new TreeSet<>(MAY_USE.keySet());
    }

    @Test
    void everyPackageIsInTheTable() {
        Set<String> found = CLASSES.stream().map(ArchitectureTest::packageOf).collect(Collectors.toSet());

        assertThat(found).isSubsetOf(MAY_USE.keySet());
    }

    @ParameterizedTest
    @MethodSource("packages")
    void usesOnlyWhatTheTableAllows(String name) {
        Set<String> allowed = new HashSet<>(MAY_USE.get(name));
        if (allowed.contains("*")) {
            return;
        }
        allowed.addAll(List.of(name, "error"));

        DescribedPredicate<JavaClass> outside = describe(
                "in a package of Trimtab other than " + allowed,
                type -> type.getPackageName().startsWith(ROOT) && !allowed.contains(packageOf(type)));

        noClasses()
                .that()
                .resideInAPackage(ROOT + "." + name + "..")
                .should()
                .dependOnClassesThat(outside)
                .allowEmptyShould(true)
                .check(CLASSES);
    }

    @Test
    void hasNoCycles() {
        slices().matching(ROOT + ".(*)..")
                .should()
                .beFreeOfCycles()
                .ignoreDependency(COMPOSITION, COMPOSITION)
                .check(CLASSES);
    }

    /// Within `checkpoint`: bytes know no format, and a format knows only those it is made of.
    @Test
    void formatsOfCheckpointsKnowNoFormatAbove() {
        String checkpoint = ROOT + ".checkpoint";

        noClasses()
                .that()
                .resideInAPackage(checkpoint + ".io..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(
                        checkpoint, checkpoint + ".safetensors..", checkpoint + ".huggingface..", checkpoint + ".hub..")
                .check(CLASSES);
        noClasses()
                .that()
                .resideInAPackage(checkpoint + ".safetensors..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(checkpoint + ".huggingface..", checkpoint + ".hub..")
                .check(CLASSES);
        noClasses()
                .that()
                .resideInAPackage(checkpoint + ".huggingface..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage(checkpoint + ".hub..")
                .check(CLASSES);
    }

    @ParameterizedTest
    @MethodSource("plainPackages")
    void coreIsPlainJava(String name) {
        List<String> allowed = new ArrayList<>(List.of(
                "java..",
                "jdk.incubator.vector..",
                "com.sun.management..",
                "org.jspecify..",
                "com.fasterxml.jackson.core..",
                ROOT + ".."));
        allowed.addAll(LIBRARIES.getOrDefault(name, List.of()));

        classes()
                .that()
                .resideInAPackage(ROOT + "." + name + "..")
                .should()
                .onlyDependOnClassesThat()
                .resideInAnyPackage(allowed.toArray(String[]::new))
                .allowEmptyShould(true)
                .check(CLASSES);
    }

    static Set<String> plainPackages() {
        return new TreeSet<>(PLAIN);
    }

    @Test
    void onlyKernelsTouchTheVectorApi() {
        noClasses()
                .that()
                .resideOutsideOfPackage(ROOT + ".kernel..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("jdk.incubator.vector..")
                .check(CLASSES);
    }

    @Test
    void onlyKernelsAndEnergyMakeNativeCalls() {
        noClasses()
                .that()
                .resideOutsideOfPackages(ROOT + ".kernel..", ROOT + ".energy..")
                .should()
                .dependOnClassesThat()
                .haveNameMatching("java\\.lang\\.foreign\\.(Linker|SymbolLookup).*")
                .check(CLASSES);
    }

    /// The first package below the root; empty for types outside.
    private static String packageOf(JavaClass type) {
        String name = type.getPackageName();
        return name.startsWith(ROOT + ".") ? name.substring(ROOT.length() + 1).split("\\.", 2)[0] : "";
    }
}
