package dev.trimtab.checkpoint.hub;

import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.Internal;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.regex.Pattern;

/// What a file's bytes must add up to: SHA-256 of them for large files (Git LFS), for small ones git's blob
/// id, which is SHA-1 of `blob SIZE`, a zero byte, and the bytes.
record ContentHash(Kind kind, String hex) {
    enum Kind {
        SHA256("SHA-256", 64),
        GIT_BLOB("SHA-1", 40);

        private final String algorithm;
        private final int length;

        Kind(String algorithm, int length) {
            this.algorithm = algorithm;
            this.length = length;
        }
    }

    private static final Pattern HEX = Pattern.compile("[0-9a-f]+");
    private static final int CHUNK_BYTES = 1 << 20;

    ContentHash {
        if (!isHash(kind, hex)) {
            throw BadCheckpoint.mismatch("the hub's " + kind.algorithm, kind.length + " hexadecimal digits", hex);
        }
    }

    static boolean isHash(Kind kind, String text) {
        return text.length() == kind.length && HEX.matcher(text).matches();
    }

    /// The hash of the file at `path`, of the same kind.
    ContentHash of(Path path) throws IOException {
        MessageDigest digest = digest();
        if (kind == Kind.GIT_BLOB) {
            digest.update(("blob " + Files.size(path) + "\0").getBytes(StandardCharsets.US_ASCII));
        }
        byte[] chunk = new byte[CHUNK_BYTES];
        try (InputStream in = Files.newInputStream(path)) {
            for (int count = in.read(chunk); count >= 0; count = in.read(chunk)) {
                digest.update(chunk, 0, count);
            }
        }
        return new ContentHash(kind, HexFormat.of().formatHex(digest.digest()));
    }

    private MessageDigest digest() {
        try {
            return MessageDigest.getInstance(kind.algorithm);
        } catch (NoSuchAlgorithmException e) {
            throw new Internal("every Java has " + kind.algorithm, e);
        }
    }

    @Override
    public String toString() {
        return kind.algorithm + " " + hex;
    }
}
