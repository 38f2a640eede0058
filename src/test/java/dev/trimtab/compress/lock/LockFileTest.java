package dev.trimtab.compress.lock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trimtab.checkpoint.coupling.Keep;
import dev.trimtab.checkpoint.coupling.Removal;
import dev.trimtab.checkpoint.coupling.Removal.LayerKeep;
import dev.trimtab.error.BadConfiguration;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Locks as files: written and read alike, and refused with the place wherever they are not as written.
class LockFileTest {
    private static final String DIGEST = "0123456789abcdef".repeat(4);
    private static final String OTHER = "fedcba9876543210".repeat(4);

    @TempDir
    private Path folder;

    private static Lock lock() {
        Removal removal = new Removal(
                List.of(
                        LayerKeep.ALL,
                        LayerKeep.NONE,
                        new LayerKeep(Keep.some(1), new Keep.Some(List.of(new int[] {0, 2}, new int[] {1, 2})))),
                Keep.some(0, 5, 9));
        return new Lock(
                new Lock.Inputs(DIGEST, OTHER, Optional.of(DIGEST), -3),
                Optional.of(removal),
                List.of(
                        new Lock.Entry("a.weight", "quantize[0] {\"x\"}", "q8_0 + f16", 123, OptionalInt.of(4), DIGEST),
                        new Lock.Entry("b.bias", "fallback", "f32", 1L << 40, OptionalInt.empty(), OTHER)),
                Map.of("kl", 0.0125, "top", 1.0));
    }

    @Test
    void readsWhatItWrote() throws IOException {
        Path file = folder.resolve("a.lock");
        LockFile.write(file, lock());

        Lock found = LockFile.read(file);

        assertThat(found).usingRecursiveComparison().isEqualTo(lock());
        Path again = folder.resolve("b.lock");
        LockFile.write(again, found);
        assertThat(again).hasSameBinaryContentAs(file);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '~', textBlock = """
        "version" : 1                | "version" : 2                    | a number in 1..1
        "version" : 1                | "version" : "1"                  | a whole number
        "version" : 1,               | "wersion" : 1,                   | not `wersion`
        "seed" : -3,                 |                                  | [seed]
        "seed" : -3                  | "seed" : 99999999999999999999    | a number in
        "seed" : -3                  | "seed" : 1, "seed" : 1           | Duplicate
        "tokens" : [ [ 0, 5, 9 ] ]   | "tokens" : [ [ 5, 0 ] ]          | ascending
        "tokens" : [ [ 0, 5, 9 ] ]   | "tokens" : [ [ -5, 0 ] ]         | a number in 0..
        "tokens" : [ [ 0, 5, 9 ] ]   | "tokens" : [ [ ] ]               | at least one number
        "tokens" : [ [ 0, 5, 9 ] ]   | "tokens" : [ ]                   | one list of numbers
        "tokens" : [ [ 0, 5, 9 ] ]   | "tokens" : "some"                | all, none or lists
        [ [ 0, 2 ], [ 1, 2 ] ]       | [ [ 0 ], [ 1, 2 ] ]              | the same length
        "kl" : 0.0125                | "kl" : "low"                     | a number
        "kl" : 0.0125                | "kl" : 1e999                     | finite
        "name" : "b.bias"            | "name" : "a.weight"              | listed twice
        "rank" : 4                   | "rank" : 0                       | a number in 1..
        "bytes" : 123                | "bytes" : [[[[[[[[[1]]]]]]]]]     | a whole number
        : "0123456789abcdef          | : "0123456789ABCDEF              | 64 hexadecimal digits
        """)
    void refusesWhatItDoesNotWrite(String written, String changed, String message) throws IOException {
        Path file = folder.resolve("a.lock");
        LockFile.write(file, lock());
        String json = Files.readString(file);
        assertThat(json).contains(written);
        Files.writeString(file, json.replace(written, changed == null ? "" : changed));

        assertThatThrownBy(() -> LockFile.read(file))
                .isInstanceOf(BadConfiguration.class)
                .hasMessageStartingWith(file + ":")
                .hasMessageContaining(message);
    }

    @Test
    void saysWhere() throws IOException {
        Path file = Files.writeString(folder.resolve("a.lock"), "{\n  \"version\" : 1,\n  \"recipe\" : 7\n}\n");

        assertThatThrownBy(() -> LockFile.read(file))
                .hasMessageStartingWith(file + ":3:14: no lock: a string expected");
    }

    @Test
    void readsOrRefusesEveryFlippedByteAndLength() throws IOException {
        Path file = folder.resolve("a.lock");
        LockFile.write(file, lock());
        byte[] whole = Files.readAllBytes(file);
        int refused = 0;

        for (int i = 0; i < whole.length; i++) {
            byte[] flipped = whole.clone();
            flipped[i] ^= (byte) (1 << (i % 8));
            refused += isRefused(flipped) ? 1 : 0;
        }

        assertThat(refused).isGreaterThan(whole.length / 4);
        for (int length = 0; length < whole.length - 2; length++) {
            assertThat(isRefused(Arrays.copyOf(whole, length)))
                    .as("length %d", length)
                    .isTrue();
        }
        assertThat(isRefused((new String(whole, StandardCharsets.UTF_8) + "{}").getBytes(StandardCharsets.UTF_8)))
                .isTrue();
    }

    private static boolean isRefused(byte[] json) {
        try {
            LockReader.read("test", json);
            return false;
        } catch (BadConfiguration e) {
            assertThat(e).hasMessageStartingWith("test:");
            return true;
        }
    }

    @Test
    void isTheLockOfOneRecipeAndSourceOnly() {
        Lock lock = lock();

        lock.refuseOther("a.lock", lock.inputs(), true);

        assertThatThrownBy(
                        () -> lock.refuseOther("a.lock", new Lock.Inputs(DIGEST, DIGEST, Optional.empty(), -3), true))
                .isInstanceOf(BadConfiguration.class)
                .hasMessageContaining("a.lock: source: expected " + OTHER + ", as locked, found " + DIGEST);
        assertThatThrownBy(() -> lock.refuseOther("a.lock", new Lock.Inputs(OTHER, OTHER, Optional.empty(), -3), true))
                .hasMessageContaining("a.lock: recipe: expected " + DIGEST);
        assertThatThrownBy(() -> lock.refuseOther("a.lock", new Lock.Inputs(DIGEST, OTHER, Optional.empty(), 7), true))
                .hasMessageContaining("a.lock: seed: expected -3");
        assertThatThrownBy(() -> lock.refuseOther("a.lock", lock.inputs(), false))
                .hasMessageContaining("a.lock: removal: none expected");
    }
}
