package dev.trimtab.checkpoint;

import dev.trimtab.error.Internal;
import dev.trimtab.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.LongStream;

/// Names for content: SHA-256, of tensors as the hash of their leaves' hashes, so that all cores take part.
public final class ContentHash {
    /// Large enough that a leaf's hash costs nothing beside its bytes.
    private static final long LEAF_BYTES = 4L << 20;

    private ContentHash() {}

    /// Of encoding, shape and bytes; the name does not count.
    public static String of(Tensor tensor) {
        MemorySegment data = tensor.data();
        List<byte[]> leaves = LongStream.range(0, Math.ceilDiv(data.byteSize(), LEAF_BYTES))
                .parallel()
                .mapToObj(leaf -> hash(data, leaf * LEAF_BYTES))
                .toList();
        MessageDigest digest = sha256();
        digest.update((tensor.encoding() + " " + tensor.shape()).getBytes(StandardCharsets.UTF_8));
        leaves.forEach(digest::update);
        return HexFormat.of().formatHex(digest.digest());
    }

    /// Of texts, each told from the next.
    public static String of(String... texts) {
        MessageDigest digest = sha256();
        for (String text : texts) {
            byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
            digest.update((bytes.length + ":").getBytes(StandardCharsets.UTF_8));
            digest.update(bytes);
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    private static byte[] hash(MemorySegment data, long from) {
        MessageDigest digest = sha256();
        digest.update(
                data.asSlice(from, Math.min(LEAF_BYTES, data.byteSize() - from)).asByteBuffer());
        return digest.digest();
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new Internal("every JVM has SHA-256", e);
        }
    }
}
