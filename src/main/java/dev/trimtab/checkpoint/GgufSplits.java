package dev.trimtab.checkpoint;

import dev.trimtab.checkpoint.io.MappedFiles;
import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.tensor.Tensor;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Joins a checkpoint that was split into several GGUF files, as llama.cpp's `gguf-split` does it:
///
/// 1. The files are named `NAME-00001-of-00003.gguf` and so on, beside one another.
/// 2. Each has the pairs `split.no` (from 0), `split.count` and `split.tensors.count` (of all files
///    together).
/// 3. The first has all other pairs; the tensors follow on from file to file.
final class GgufSplits {
    private static final String NUMBER = "split.no";
    private static final String COUNT = "split.count";
    private static final String TENSOR_COUNT = "split.tensors.count";

    /// What the five digits of a name can count, less far: each file costs a mapping and an open file.
    private static final int COUNT_MAX = 1024;

    private static final Pattern NAME = Pattern.compile("(?<stem>.*)-(?<number>\\d{5})-of-(?<count>\\d{5})\\.gguf");

    private GgufSplits() {}

    /// The whole checkpoint of which `first`, read from `path`, is the first file, or `first` where it is
    /// whole itself.
    ///
    /// @throws BadCheckpoint when `path` is not the first file, a file is another's, or tensors lack or come
    ///     twice
    /// @throws dev.trimtab.error.NotFound when a file is missing
    static Contents join(Path path, Contents first, MappedFiles files) {
        int count = first.metadata().integer(COUNT, 0, COUNT_MAX, 1);
        if (count <= 1) {
            return first;
        }
        check(first, 0, count);
        String stem = stem(path, count);
        Map<String, Tensor> tensors = new LinkedHashMap<>(first.tensors());
        for (int number = 1; number < count; number++) {
            Path next = path.resolveSibling(name(stem, number, count));
            Contents contents = GgufReader.read(next.toString(), files.map(next));
            check(contents, number, count);
            contents.tensors().forEach((name, tensor) -> {
                if (tensors.put(name, tensor) != null) {
                    throw BadCheckpoint.mismatch(next + ": tensor " + name, "one in all files", "a second");
                }
            });
        }
        long expected = first.metadata().integer(TENSOR_COUNT);
        if (tensors.size() != expected) {
            throw BadCheckpoint.mismatch(path + ": " + TENSOR_COUNT, expected, tensors.size());
        }
        return new Contents(first.metadata(), tensors);
    }

    private static void check(Contents contents, int number, int count) {
        Metadata metadata = contents.metadata();
        metadata.integer(NUMBER, number, number);
        metadata.integer(COUNT, count, count);
    }

    private static String stem(Path path, int count) {
        Matcher matcher = NAME.matcher(String.valueOf(path.getFileName()));
        if (!matcher.matches() || !path.endsWith(name(matcher.group("stem"), 0, count))) {
            throw BadCheckpoint.mismatch(path + ": name", name("NAME", 0, count), path.getFileName());
        }
        return matcher.group("stem");
    }

    private static String name(String stem, int number, int count) {
        return String.format(Locale.ROOT, "%s-%05d-of-%05d.gguf", stem, number + 1, count);
    }
}
