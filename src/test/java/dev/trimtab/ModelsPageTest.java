package dev.trimtab;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trimtab.model.Architecture;
import dev.trimtab.tensor.Encoding;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/// That `docs/MODELS.md`, which says what loads, leaves out no encoding and no family, and that the tests it
/// leans on exist.
class ModelsPageTest {
    private static final Path PAGE = Path.of("docs/MODELS.md");
    private static final Pattern TEST = Pattern.compile("`(\\w+Test)`");
    private static final Pattern LINK = Pattern.compile("\\]\\(([^)#]+)[^)]*\\)");

    private static String page() throws IOException {
        return Files.readString(PAGE);
    }

    private static String section(String title) throws IOException {
        return Arrays.stream(page().split("(?m)^## ", -1))
                .filter(section -> section.startsWith(title + "\n"))
                .findFirst()
                .orElseThrow();
    }

    private static List<String> found(Pattern pattern, String text) {
        Matcher matcher = pattern.matcher(text);
        List<String> found = new ArrayList<>();
        while (matcher.find()) {
            found.add(matcher.group(1));
        }
        return found;
    }

    @Test
    void namesTestsThatExist() throws IOException {
        Set<String> existing;
        try (Stream<Path> files = Files.walk(Path.of("src/test/java"))) {
            existing = files.map(file -> file.getFileName().toString().replace(".java", ""))
                    .collect(Collectors.toSet());
        }

        List<String> named = found(TEST, page());

        assertThat(named).isNotEmpty();
        assertThat(existing).containsAll(named);
    }

    @Test
    void linksToFilesThatExist() throws IOException {
        assertThat(found(LINK, page()))
                .filteredOn(link -> !link.contains("://"))
                .isNotEmpty()
                .allSatisfy(link -> assertThat(PAGE.resolveSibling(link)).exists());
    }

    @Test
    void namesEveryFamily() throws IOException {
        String families = section("Families");

        assertThat(Architecture.values())
                .allSatisfy(family -> assertThat(families).contains("| `" + family.ggufName() + "` |"));
    }

    @Test
    void namesEveryEncoding() throws IOException {
        String encodings = section("Encodings");

        assertThat(Encoding.values())
                .allSatisfy(encoding -> assertThat(encodings).containsPattern("\\b" + encoding.name() + "\\b"));
    }
}
