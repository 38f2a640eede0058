package dev.trimtab.compress.cache;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trimtab.checkpoint.io.ByteReader;
import dev.trimtab.checkpoint.io.FileOutput;
import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.tensor.Encoding;
import dev.trimtab.tensor.Shape;
import dev.trimtab.tensor.Tensor;
import dev.trimtab.tensor.TensorForm;
import dev.trimtab.tensor.TensorForm.Codebook;
import dev.trimtab.tensor.TensorForm.Dense;
import dev.trimtab.tensor.TensorForm.LowRank;
import dev.trimtab.tensor.TensorForm.Sum;
import dev.trimtab.tensor.TensorForm.VectorSparse;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// What is written is read back bit by bit; whatever else lies in the folder is no form.
class FormCacheTest {
    private static final String NAME = "blk.0.attn_q.weight";

    @TempDir
    private Path folder;

    /// Every encoding alone, and every form, within each other as compression nests them.
    static Stream<TensorForm> forms() {
        Stream<TensorForm> encodings =
                Arrays.stream(Encoding.values()).map(encoding -> dense(encoding, encoding.blockElements(), 2));
        TensorForm product = new LowRank(dense(Encoding.F16, 4, 40), dense(Encoding.Q8_0, 64, 4));
        TensorForm small = new LowRank(dense(Encoding.F32, 3, 40), dense(Encoding.F32, 64, 3));
        return Stream.concat(
                encodings,
                Stream.of(
                        codebook(),
                        vectorSparse(),
                        product,
                        new Sum(dense(Encoding.INT3_MINIMUM, 64, 40), small),
                        new Sum(codebook(), small),
                        new Sum(vectorSparse(), small),
                        new Sum(product, small)));
    }

    private static TensorForm dense(Encoding encoding, int columns, int rows) {
        byte[] bytes = new byte[Math.toIntExact(encoding.sizeBytes((long) rows * columns))];
        new Random(encoding.blockBytes()).nextBytes(bytes);
        return new Dense(new Tensor(NAME, encoding, Shape.of(rows, columns), MemorySegment.ofArray(bytes)));
    }

    private static Codebook codebook() {
        Random random = new Random(3);
        byte[] indices = new byte[40 * 64];
        for (int i = 0; i < indices.length; i++) {
            indices[i] = (byte) random.nextInt(8);
        }
        float[] centroids = new float[5 * 8];
        for (int i = 0; i < centroids.length; i++) {
            centroids[i] = random.nextFloat();
        }
        return new Codebook(Shape.of(40, 64), 3, 8, centroids, indices);
    }

    private static VectorSparse vectorSparse() {
        Tensor lines = ((Dense) dense(Encoding.Q8_0, VectorSparse.PANEL, 5)).tensor();
        return new VectorSparse(Shape.of(40, 64), new int[] {0, 3, 5}, new int[] {0, 7, 63, 1, 2}, lines);
    }

    @ParameterizedTest
    @MethodSource("forms")
    void readsWhatItWrote(TensorForm form) throws IOException {
        FormCache cache = FormCache.open(folder).orElseThrow();

        cache.write("address", form);

        assertSame(cache.read("address", NAME, form.shape()).orElseThrow(), form);
        assertThat(cache.read("other", NAME, form.shape())).isEmpty();
        assertThat(files()).hasSize(1);
    }

    private static void assertSame(TensorForm found, TensorForm expected) {
        switch (expected) {
            case Dense(Tensor tensor) -> assertSame(((Dense) found).tensor(), tensor);
            case Codebook codebook -> {
                Codebook other = (Codebook) found;
                assertThat(other)
                        .usingRecursiveComparison()
                        .withStrictTypeChecking()
                        .isEqualTo(codebook);
            }
            case LowRank(TensorForm left, TensorForm right) -> {
                assertSame(((LowRank) found).left(), left);
                assertSame(((LowRank) found).right(), right);
            }
            case VectorSparse sparse -> {
                VectorSparse other = (VectorSparse) found;
                assertThat(other.shape()).isEqualTo(sparse.shape());
                assertThat(other.starts()).isEqualTo(sparse.starts());
                assertThat(other.columns()).isEqualTo(sparse.columns());
                assertSame(other.lines(), sparse.lines());
            }
            case Sum(TensorForm base, TensorForm correction) -> {
                assertSame(((Sum) found).base(), base);
                assertSame(((Sum) found).correction(), correction);
            }
        }
    }

    private static void assertSame(Tensor found, Tensor expected) {
        assertThat(found.name()).isEqualTo(NAME);
        assertThat(found.encoding()).isEqualTo(expected.encoding());
        assertThat(found.shape()).isEqualTo(expected.shape());
        assertThat(found.data().mismatch(expected.data())).isEqualTo(-1);
    }

    @Test
    void deletesWhatIsCorruptWhereverItIs() throws IOException {
        FormCache cache = FormCache.open(folder).orElseThrow();
        TensorForm form = new Sum(vectorSparse(), new LowRank(dense(Encoding.F32, 1, 40), dense(Encoding.F32, 64, 1)));
        cache.write("address", form);
        Path file = files().getFirst();
        byte[] whole = Files.readAllBytes(file);

        for (int i = 0; i < whole.length; i += 5 + i / 16) {
            byte[] flipped = whole.clone();
            flipped[i] ^= (byte) (1 << (i % 8));
            Files.write(file, flipped);
            assertThat(cache.read("address", NAME, form.shape()))
                    .as("byte %d", i)
                    .isEmpty();
            assertThat(file).as("byte %d", i).doesNotExist();

            Files.write(file, Arrays.copyOf(whole, i));
            assertThat(cache.read("address", NAME, form.shape()))
                    .as("length %d", i)
                    .isEmpty();
        }
        Files.write(file, whole);
        assertThat(cache.read("address", NAME, form.shape())).isPresent();
    }

    /// As if somebody had made the checksum fit.
    @ParameterizedTest
    @MethodSource("forms")
    void refusesCorruptContentWithoutItsChecksum(TensorForm form) {
        byte[] whole = FileOutput.toBytes(channel -> new FormWriter(channel).form(form));
        int refused = 0;

        for (int i = 0; i < Math.min(whole.length, 600); i++) {
            for (int bit = 0; bit < Byte.SIZE; bit++) {
                byte[] flipped = whole.clone();
                flipped[i] ^= (byte) (1 << bit);
                refused += isRefused(flipped) ? 1 : 0;
            }
        }

        assertThat(refused).isPositive();
        assertThat(isRefused(whole)).isFalse();
    }

    private static boolean isRefused(byte[] content) {
        try {
            new FormReader(new ByteReader("test", MemorySegment.ofArray(content)), NAME).form();
            return false;
        } catch (BadCheckpoint e) {
            assertThat(e).hasMessageContaining("expected").hasMessageContaining("found");
            return true;
        }
    }

    @Test
    void refusesFormsThatNestWithoutEnd() {
        byte[] sums = new byte[100_000];
        Arrays.fill(sums, (byte) FormReader.SUM);

        assertThat(isRefused(sums)).isTrue();
    }

    @Test
    void refusesAFormOfAnotherShape() {
        FormCache cache = FormCache.open(folder).orElseThrow();
        cache.write("address", codebook());

        assertThat(cache.read("address", NAME, Shape.of(64, 40))).isEmpty();
    }

    @Test
    void evictsWhatWasUsedLongestAgo() throws IOException {
        TensorForm form = dense(Encoding.F32, 64, 64);
        Shape shape = form.shape();
        FormCache cache = new FormCache(folder, 3 * form.sizeBytes() + 1024);
        for (String address : List.of("a", "b", "c")) {
            cache.write(address, form);
        }
        for (Path file : files()) {
            Files.setLastModifiedTime(file, FileTime.fromMillis(1_000));
        }
        cache.read("a", NAME, shape);
        cache.read("c", NAME, shape);

        cache.write("d", form);

        assertThat(cache.read("b", NAME, shape)).isEmpty();
        for (String address : List.of("a", "c", "d")) {
            assertThat(cache.read(address, NAME, shape)).as(address).isPresent();
        }
    }

    @Test
    void doesWithoutAFolderThatCannotBe() throws IOException {
        Path file = Files.writeString(folder.resolve("file"), "");
        FormCache cache = new FormCache(file.resolve("below"), FormCache.BYTES_MAX);

        cache.write("address", codebook());

        assertThat(cache.read("address", NAME, codebook().shape())).isEmpty();
        assertThat(FormCache.open(file.resolve("below"))).isEmpty();
    }

    private List<Path> files() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.toList();
        }
    }
}
