package dev.trimtab.checkpoint.hub;

import dev.trimtab.error.BadCheckpoint;
import java.nio.charset.StandardCharsets;

/// A file of a repository: where it lies there, how long it is, and what its bytes must add up to.
///
/// The path comes from the hub and becomes a path of this machine: none that could leave its folder exists as
/// a value.
record RemoteFile(String path, long sizeBytes, ContentHash hash) {
    /// The hub itself takes at most 500 GB.
    static final long SIZE_BYTES_MAX = 4L << 40;

    private static final int PATH_BYTES_MAX = 1_024;
    private static final int NAME_BYTES_MAX = 255;
    private static final int DEPTH_MAX = 16;

    RemoteFile {
        if (!isSafe(path)) {
            throw BadCheckpoint.mismatch(
                    "a path of the hub's", "one inside the repository", "`" + printable(path) + "`");
        }
        if (sizeBytes < 0 || sizeBytes > SIZE_BYTES_MAX) {
            throw BadCheckpoint.mismatch(path + ": size the hub states", "0.." + SIZE_BYTES_MAX, sizeBytes);
        }
    }

    /// Whether `path` names something below the folder it is resolved in, on any file system.
    static boolean isSafe(String path) {
        String[] names = path.split("/", -1);
        if (names.length > DEPTH_MAX || path.getBytes(StandardCharsets.UTF_8).length > PATH_BYTES_MAX) {
            return false;
        }
        for (String name : names) {
            boolean plain = !name.isEmpty() && !name.equals(".") && !name.equals("..");
            boolean printable = name.codePoints()
                    .noneMatch(c -> Character.isISOControl(c)
                            || c == '\\'
                            || c == 0x7F
                            || Character.getType(c) == Character.SURROGATE);
            if (!plain || !printable || name.getBytes(StandardCharsets.UTF_8).length > NAME_BYTES_MAX) {
                return false;
            }
        }
        return true;
    }

    private static String printable(String path) {
        String shown = path.length() <= 100 ? path : path.substring(0, 100) + "...";
        return shown.replaceAll("\\p{Cntrl}", "?");
    }
}
