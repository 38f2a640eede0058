package dev.trimtab;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.source.tree.CompilationUnitTree;
import com.sun.source.tree.LineMap;
import com.sun.source.tree.MethodTree;
import com.sun.source.tree.Tree;
import com.sun.source.util.JavacTask;
import com.sun.source.util.SourcePositions;
import com.sun.source.util.TreePath;
import com.sun.source.util.TreePathScanner;
import com.sun.source.util.Trees;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.tools.JavaCompiler;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/// The size budget and the words that must not reach main, checked on the sources with the compiler's own
/// parser.
class TidyTest {
    private static final int FILE_LINES = 400;
    private static final int LARGE_FILE_LINES = 600;
    private static final int METHOD_LINES = 60;
    private static final int KERNEL_METHOD_LINES = 90;
    private static final int PARAMETERS = 6;
    private static final int KERNEL_PARAMETERS = 9;
    private static final int LINE_COLUMNS = 120;
    private static final int PACKAGE_FILES = 25;

    private static final List<Path> ROOTS = Stream.of("src/main/java", "src/test/java", "src/jmh/java")
            .map(Path::of)
            .filter(Files::isDirectory)
            .toList();

    /// What stands in no file, and why. This file spells them apart so as not to find itself.
    private static final Map<Pattern, String> BANNED = Map.of(
            Pattern.compile("\\bTO" + "DO\\b|\\bFIX" + "ME\\b"), "finish it or open an issue",
            Pattern.compile("throw new Runtime" + "Exception\\("), "say which failure it is: dev.trimtab.error",
            Pattern.compile("import mod" + "ule "), "explicit imports show the dependencies",
            Pattern.compile("sun\\.misc\\.Un" + "safe"), "use the foreign memory API",
            Pattern.compile("Arena\\.of" + "Auto\\("), "every segment has one owner with close()",
            Pattern.compile("Thread\\.sl" + "eep\\("), "wait for an event, or use a manual clock",
            Pattern.compile("import lom" + "bok"), "records",
            Pattern.compile("import org\\.mock" + "ito"), "fakes, not mocks");

    @Test
    void keepsLinesFilesAndPackagesSmall() throws IOException {
        List<String> breaches = new ArrayList<>();

        for (Path file : sources()) {
            List<String> lines = Files.readAllLines(file);
            int limit = isKernel(file) || isTest(file) ? LARGE_FILE_LINES : FILE_LINES;
            if (lines.size() > limit) {
                breaches.add(file + ": " + lines.size() + " lines, at most " + limit);
            }
            for (int i = 0; i < lines.size(); i++) {
                if (lines.get(i).length() > LINE_COLUMNS) {
                    breaches.add(file + ":" + (i + 1) + ": " + lines.get(i).length() + " columns");
                }
            }
        }
        sources().stream()
                .filter(file -> !isTest(file) && !file.endsWith("package-info.java"))
                .collect(Collectors.groupingBy(Path::getParent, Collectors.counting()))
                .forEach((directory, count) -> {
                    if (count > PACKAGE_FILES) {
                        breaches.add(directory + ": " + count + " files, at most " + PACKAGE_FILES);
                    }
                });

        assertThat(breaches).isEmpty();
    }

    @Test
    void holdsNoBannedWord() throws IOException {
        List<String> breaches = new ArrayList<>();

        for (Path file : sources()) {
            String text = Files.readString(file);
            BANNED.forEach((pattern, reason) -> {
                if (pattern.matcher(text).find()) {
                    breaches.add(file + ": " + pattern + ": " + reason);
                }
            });
        }

        assertThat(breaches).isEmpty();
    }

    @Test
    void keepsMethodsShort() throws IOException {
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        List<String> breaches = new ArrayList<>();

        try (StandardJavaFileManager files = compiler.getStandardFileManager(null, null, null)) {
            JavacTask task = (JavacTask)
                    compiler.getTask(null, files, null, null, null, files.getJavaFileObjectsFromPaths(sources()));
            Trees trees = Trees.instance(task);
            for (CompilationUnitTree unit : task.parse()) {
                new MethodScanner(trees, breaches).scan(new TreePath(unit), null);
            }
        }

        assertThat(breaches).isEmpty();
    }

    /// Measures each method of a file.
    private static final class MethodScanner extends TreePathScanner<@Nullable Void, @Nullable Void> {
        private final SourcePositions positions;
        private final List<String> breaches;

        MethodScanner(Trees trees, List<String> breaches) {
            this.positions = trees.getSourcePositions();
            this.breaches = breaches;
        }

        @Override
        public @Nullable Void visitMethod(MethodTree method, @Nullable Void unused) {
            CompilationUnitTree unit = getCurrentPath().getCompilationUnit();
            Path file = Path.of(unit.getSourceFile().toUri());
            long end = positions.getEndPosition(unit, method);
            if (end >= 0 && method.getBody() != null) {
                LineMap lines = unit.getLineMap();
                long start = positions.getStartPosition(unit, method.getBody());
                long count = lines.getLineNumber(end) - lines.getLineNumber(start) + 1;
                check(file, method, "lines", count, isLongAllowed(file) ? KERNEL_METHOD_LINES : METHOD_LINES);
            }
            if (!isRecordConstructor(method)) {
                int limit = isKernel(file) || isDecoder(file) || isTest(file) ? KERNEL_PARAMETERS : PARAMETERS;
                check(file, method, "parameters", method.getParameters().size(), limit);
            }
            return super.visitMethod(method, null);
        }

        /// Its parameters are the record's components, which are data.
        private boolean isRecordConstructor(MethodTree method) {
            return method.getName().contentEquals("<init>")
                    && getCurrentPath().getParentPath().getLeaf().getKind() == Tree.Kind.RECORD;
        }

        private void check(Path file, MethodTree method, String what, long count, int limit) {
            if (count > limit) {
                breaches.add(
                        file.getFileName() + " " + method.getName() + ": " + count + " " + what + ", at most " + limit);
            }
        }
    }

    private static List<Path> sources() throws IOException {
        List<Path> files = new ArrayList<>();
        for (Path root : ROOTS) {
            try (Stream<Path> walk = Files.walk(root)) {
                walk.filter(file -> file.toString().endsWith(".java")).forEach(files::add);
            }
        }
        return files;
    }

    private static boolean isTest(Path file) {
        return !file.toString().contains("main/java") && !file.toString().contains("main\\java");
    }

    private static boolean isKernel(Path file) {
        return file.toString().contains("trimtab/kernel/") || file.toString().contains("trimtab\\kernel\\");
    }

    /// The loops that decode blocks are kernels in all but their package.
    private static boolean isDecoder(Path file) {
        return file.getFileName().toString().endsWith("Blocks.java");
    }

    /// Kernels and the forward pass may unroll.
    private static boolean isLongAllowed(Path file) {
        return isKernel(file) || file.endsWith("Model.java");
    }
}
