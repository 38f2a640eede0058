package dev.trimtab.checkpoint.hub;

import dev.trimtab.error.BadConfiguration;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// A model on a hub as people write it: `hf:org/name[@revision][:selector]`.
///
/// @param repository `org/name`
/// @param revision a branch, a tag, `refs/pr/N` or a commit; `main` where none is given
/// @param selector a file of the repository, or a quantization such as `Q4_K_M`; empty for the default choice
public record HubReference(String repository, String revision, String selector) {
    /// What a reference begins with.
    public static final String PREFIX = "hf:";

    private static final String FORM = "hf:org/name[@revision][:file or quantization]";

    /// The hub's own rule for the two halves, 96 characters each, without a dot or dash in front.
    private static final String NAME = "[A-Za-z0-9_][A-Za-z0-9._-]{0,95}";

    private static final Pattern REFERENCE =
            Pattern.compile(PREFIX + "(?<repository>[^@:]*)(@(?<revision>[^:]*))?(:(?<selector>.*))?");
    private static final Pattern REPOSITORY = Pattern.compile(NAME + "/" + NAME);
    private static final Pattern REVISION = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9._/+-]{0,254}");
    private static final Pattern COMMIT = Pattern.compile("[0-9a-f]{40}");

    public HubReference {
        check(REPOSITORY.matcher(repository).matches() && !repository.contains(".."), "repository", repository);
        check(REVISION.matcher(revision).matches() && isPlain(revision), "revision", revision);
        check(selector.isEmpty() || RemoteFile.isSafe(selector), "file", selector);
    }

    /// Reads `text`, which begins with [#PREFIX].
    ///
    /// @throws BadConfiguration when it has another form
    public static HubReference parse(String text) {
        Matcher matcher = REFERENCE.matcher(text);
        if (!matcher.matches()) {
            throw new BadConfiguration("`" + text + "`: expected " + FORM);
        }
        String revision = matcher.group("revision");
        String selector = matcher.group("selector");
        return new HubReference(
                matcher.group("repository"), revision == null ? "main" : revision, selector == null ? "" : selector);
    }

    /// Whether `text` is meant as a reference to a hub.
    public static boolean recognizes(String text) {
        return text.startsWith(PREFIX);
    }

    private static boolean isPlain(String revision) {
        return !revision.contains("..") && !revision.contains("//") && !revision.endsWith("/");
    }

    private static void check(boolean holds, String what, String found) {
        if (!holds) {
            throw new BadConfiguration("hub reference, " + what + " `" + found + "`: expected " + FORM);
        }
    }

    /// The last half of the repository's name.
    public String name() {
        return repository.substring(repository.indexOf('/') + 1);
    }

    /// A short name to serve it under: the file's, or the repository's with the quantization asked for.
    public String modelName() {
        if (selector.isEmpty()) {
            return name();
        }
        String file = selector.substring(selector.lastIndexOf('/') + 1);
        boolean gguf = file.toLowerCase(Locale.ROOT).endsWith(Gguf.EXTENSION);
        return gguf ? file.substring(0, file.length() - Gguf.EXTENSION.length()) : name() + ":" + file;
    }

    /// Whether it names contents that can never change.
    boolean isPinned() {
        return isCommit(revision);
    }

    static boolean isCommit(String text) {
        return COMMIT.matcher(text).matches();
    }

    @Override
    public String toString() {
        return PREFIX
                + repository
                + (revision.equals("main") ? "" : "@" + revision)
                + (selector.isEmpty() ? "" : ":" + selector);
    }
}
