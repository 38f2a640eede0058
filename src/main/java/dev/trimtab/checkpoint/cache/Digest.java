package dev.trimtab.checkpoint.cache;

import dev.trimtab.checkpoint.WeightSource;
import dev.trimtab.error.Internal;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.TreeMap;

/// SHA-256 over facts in order, each with its length before it, so that no two lists of facts read alike.
public final class Digest {
    private final MessageDigest sha;

    /// Begins with what is hashed and the version of how: another version is another digest.
    public Digest(String kind, int version) {
        try {
            sha = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new Internal("every Java has SHA-256", e);
        }
        add(kind).add(version);
    }

    /// All weights of `source`, by name and content.
    public static String of(WeightSource source) {
        Digest digest = new Digest("weights", 1);
        new TreeMap<>(source.shapes()).keySet().forEach(name -> digest.add(name).add(source.address(name)));
        return digest.hex();
    }

    public Digest add(String fact) {
        byte[] bytes = fact.getBytes(StandardCharsets.UTF_8);
        return add(bytes.length).bytes(bytes);
    }

    public Digest add(long fact) {
        return bytes(ByteBuffer.allocate(Long.BYTES).putLong(fact).array());
    }

    public Digest add(int... ids) {
        ByteBuffer bytes = ByteBuffer.allocate(Math.multiplyExact(Integer.BYTES, ids.length));
        bytes.asIntBuffer().put(ids);
        return add((long) ids.length).bytes(bytes.array());
    }

    private Digest bytes(byte[] bytes) {
        sha.update(bytes);
        return this;
    }

    /// 64 hexadecimal digits; ends this digest.
    public String hex() {
        return HexFormat.of().formatHex(sha.digest());
    }
}
