package dev.trimtab.api.http;

import dev.trimtab.error.BadConfiguration;
import dev.trimtab.error.Internal;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/// The key of administrative calls. Only its SHA-256 is kept, so that no log, dump or message can show it, and
/// comparing digests takes the same time whatever was sent, its length included.
public final class AdminKey {
    /// 16 characters of an alphabet of 64 are 96 bits; what is shorter is typed by hand, and can be guessed.
    public static final int LENGTH_MIN = 16;

    /// Digits of the digest that name the key in logs: enough to tell keys apart, too few to search with.
    private static final int FINGERPRINT_DIGITS = 8;

    private final byte[] digest;

    private AdminKey(byte[] digest) {
        this.digest = digest;
    }

    /// @throws BadConfiguration when the key is too short; the message does not show it
    public static AdminKey of(String key) {
        if (key.length() < LENGTH_MIN) {
            throw new BadConfiguration("trimtab.admin.key: at least " + LENGTH_MIN + " characters expected, found "
                    + key.length() + "; `openssl rand -base64 24` makes one");
        }
        return new AdminKey(sha256(key));
    }

    boolean matches(String given) {
        return MessageDigest.isEqual(digest, sha256(given));
    }

    /// Names the key without telling it.
    String fingerprint() {
        return HexFormat.of().formatHex(digest).substring(0, FINGERPRINT_DIGITS);
    }

    @Override
    public String toString() {
        return "key " + fingerprint();
    }

    private static byte[] sha256(String text) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
        } catch (NoSuchAlgorithmException e) {
            throw new Internal("every JVM has SHA-256", e);
        }
    }
}
