package dev.trimtab.variant;

import dev.trimtab.error.BadConfiguration;
import dev.trimtab.error.Forbidden;
import dev.trimtab.error.InvalidRequest;
import dev.trimtab.error.NotFound;
import dev.trimtab.error.Unavailable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// The folder below which callers may name files. What they get is a real path: without `..` and without a
/// symbolic link that could lead out, and the same holds for the files that are read along with it (those of
/// a folder, and the other parts of a split GGUF).
///
/// Who may write below the root is trusted: a file that is swapped between the check and the load is not
/// noticed.
public final class ModelRoot {
    /// Nothing may be named.
    public static final ModelRoot NONE = new ModelRoot(Optional.empty());

    /// As long as Linux takes (`PATH_MAX`).
    private static final int LENGTH_MAX = 4_096;

    /// A model's folder has some hundred files; one with more is something else.
    private static final int FILES_MAX = 10_000;

    private static final Pattern SPLIT = Pattern.compile("-[0-9]{5}-of-[0-9]{5}\\.gguf$");

    private final Optional<Path> root;

    private ModelRoot(Optional<Path> root) {
        this.root = root;
    }

    /// @throws BadConfiguration when `root` is no folder
    public static ModelRoot of(Path root) {
        try {
            if (Files.isDirectory(root)) {
                return new ModelRoot(Optional.of(root.toRealPath()));
            }
        } catch (IOException e) {
            throw new BadConfiguration("trimtab.models.root: " + root + " cannot be read: " + e.getMessage());
        }
        throw new BadConfiguration("trimtab.models.root: a folder expected, found " + root);
    }

    /// The real path of `path`, relative to the root, or absolute and below it; `param` names the field in
    /// which it was sent. Whether there is something outside the root is not told.
    ///
    /// @throws Forbidden when there is no root, or the path leads out of it
    /// @throws InvalidRequest when it is no path
    /// @throws NotFound when there is nothing
    public Path resolve(String param, String path) {
        Path folder = root.orElseThrow(() ->
                new Forbidden(param + ": files may be named below trimtab.models.root only, and none is configured"));
        Path named = folder.resolve(parse(param, path)).normalize();
        if (!named.startsWith(folder) || named.equals(folder)) {
            throw leadsOut(param, path);
        }
        try {
            Path real = named.toRealPath();
            refuseWhatLeadsOut(param, path, real, folder);
            for (Path companion : companions(real)) {
                refuseWhatLeadsOut(param, path, companion.toRealPath(), folder);
            }
            return real;
        } catch (NoSuchFileException e) {
            throw new NotFound(param + ": there is no file " + path + " below the model root");
        } catch (IOException e) {
            throw new Unavailable(param + ": " + path + " cannot be read", e);
        }
    }

    private static Path parse(String param, String path) {
        if (path.isBlank() || path.length() > LENGTH_MAX) {
            throw InvalidRequest.param(
                    param, param + ": a path of 1.." + LENGTH_MAX + " characters expected, found " + path.length());
        }
        try {
            return Path.of(path);
        } catch (InvalidPathException e) {
            throw InvalidRequest.param(param, param + ": a path expected: " + e.getReason());
        }
    }

    private static void refuseWhatLeadsOut(String param, String path, Path real, Path folder) {
        if (!real.startsWith(folder)) {
            throw leadsOut(param, path);
        }
    }

    private static Forbidden leadsOut(String param, String path) {
        return new Forbidden(
                param + ": a path below the model root expected, found " + path + ", which leads out of it");
    }

    /// What is read when `path` is.
    private static List<Path> companions(Path path) throws IOException {
        if (Files.isDirectory(path)) {
            try (Stream<Path> entries = Files.list(path)) {
                return entries.limit(FILES_MAX).toList();
            }
        }
        String name = path.getFileName().toString();
        String stem = SPLIT.matcher(name).replaceFirst("-");
        if (stem.equals(name)) {
            return List.of();
        }
        try (Stream<Path> entries = Files.list(path.resolveSibling(""))) {
            return entries.filter(entry -> entry.getFileName().toString().startsWith(stem))
                    .limit(FILES_MAX)
                    .toList();
        }
    }
}
