package dev.trimtab.checkpoint.hub;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import dev.trimtab.checkpoint.JsonFile;
import dev.trimtab.error.BadCheckpoint;
import java.io.IOException;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// The files of a repository at one commit, as the hub's `/api/models/ORG/NAME/revision/REV?blobs=true`
/// lists them:
///
/// 1. `sha`: the commit.
/// 2. `siblings`: objects with `rfilename`, `size`, `blobId` (git's), and for large files `lfs` with
///    `sha256` (`oid` in other answers of the hub's) and `size`.
///
/// Other fields are skipped. A file without a hash is not listed: nothing could tell whether it arrived.
record Listing(String commit, Map<String, RemoteFile> files) {
    /// The largest repositories list some ten thousand files, at about 250 bytes each.
    static final int BYTES_MAX = 32 << 20;

    private static final int FILES_MAX = 100_000;

    Listing {
        if (!HubReference.isCommit(commit)) {
            throw BadCheckpoint.mismatch("the hub's commit", "40 hexadecimal digits", "`" + commit + "`");
        }
        files = Collections.unmodifiableMap(new LinkedHashMap<>(files));
    }

    /// Reads the hub's answer; `source` names it in failures.
    static Listing parse(String source, byte[] json) {
        return JsonFile.parse(source, json, parser -> repository(source, parser));
    }

    Optional<RemoteFile> find(String path) {
        return Optional.ofNullable(files.get(path));
    }

    RemoteFile get(String path) {
        return find(path).orElseThrow(() -> new BadCheckpoint("the repository has no file " + path));
    }

    Collection<String> paths() {
        return files.keySet();
    }

    private static Listing repository(String source, JsonParser parser) throws IOException {
        String commit = "";
        Map<String, RemoteFile> files = new LinkedHashMap<>();
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
            String name = parser.currentName();
            JsonToken value = parser.nextToken();
            if (name.equals("sha") && value == JsonToken.VALUE_STRING) {
                commit = parser.getText();
            } else if (name.equals("siblings")) {
                JsonFile.expect(source, name, JsonToken.START_ARRAY, value);
                siblings(source, parser, files);
            } else {
                parser.skipChildren();
            }
        }
        return new Listing(commit, files);
    }

    private static void siblings(String source, JsonParser parser, Map<String, RemoteFile> files) throws IOException {
        int count = 0;
        while (parser.nextToken() != JsonToken.END_ARRAY) {
            JsonFile.expect(source, "siblings", JsonToken.START_OBJECT, parser.currentToken());
            if (++count > FILES_MAX) {
                throw BadCheckpoint.mismatch(source + ": files", "at most " + FILES_MAX, "more");
            }
            Entry entry = new Entry();
            entry.read(parser);
            entry.file().ifPresent(file -> files.put(file.path(), file));
        }
    }

    /// One sibling while it is read.
    private static final class Entry {
        private @Nullable String path;
        private @Nullable String blob;
        private @Nullable String sha256;
        private long sizeBytes = -1;

        void read(JsonParser parser) throws IOException {
            while (parser.nextToken() == JsonToken.FIELD_NAME) {
                String name = parser.currentName();
                JsonToken value = parser.nextToken();
                if (value == JsonToken.VALUE_STRING) {
                    text(name, parser.getText());
                } else if (value == JsonToken.VALUE_NUMBER_INT && name.equals("size")) {
                    sizeBytes = parser.getLongValue();
                } else if (value == JsonToken.START_OBJECT && name.equals("lfs")) {
                    read(parser);
                } else {
                    parser.skipChildren();
                }
            }
        }

        private void text(String name, String value) {
            switch (name) {
                case "rfilename" -> path = value;
                case "blobId" -> blob = value;
                case "sha256", "oid" -> sha256 = value;
                default -> {}
            }
        }

        Optional<RemoteFile> file() {
            if (path == null || sizeBytes < 0 || (sha256 == null && blob == null)) {
                return Optional.empty();
            }
            ContentHash hash = sha256 == null
                    ? new ContentHash(ContentHash.Kind.GIT_BLOB, String.valueOf(blob))
                    : new ContentHash(ContentHash.Kind.SHA256, sha256);
            return Optional.of(new RemoteFile(path, sizeBytes, hash));
        }
    }
}
