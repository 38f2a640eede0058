package dev.trimtab.kernel.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import dev.trimtab.ResidentPages;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MappedPagesTest {
    private static final int SIZE_BYTES = 4 << 20;

    @TempDir
    private Path folder;

    @Test
    void letsGoOfPagesThatReadTheSameAfterwards() throws IOException {
        byte[] bytes = new byte[SIZE_BYTES];
        new Random(1).nextBytes(bytes);
        Path file = Files.write(folder.resolve("source"), bytes);
        try (Arena arena = Arena.ofShared();
                FileChannel channel = FileChannel.open(file)) {
            MemorySegment mapped = channel.map(FileChannel.MapMode.READ_ONLY, 0, SIZE_BYTES, arena);
            byte[] before = mapped.toArray(ValueLayout.JAVA_BYTE);
            long residentBefore = ResidentPages.of(file);

            MappedPages.release(mapped);

            assertThat(residentBefore).isEqualTo(SIZE_BYTES);
            assertThat(ResidentPages.of(file)).isZero();
            assertThat(before).isEqualTo(bytes);
            assertThat(mapped.toArray(ValueLayout.JAVA_BYTE)).isEqualTo(bytes);
        }
    }

    /// What is written to anonymous memory would be lost: it must be left alone.
    @Test
    void leavesOtherMemoryAlone() {
        try (Arena arena = Arena.ofShared()) {
            MemorySegment memory = arena.allocate(SIZE_BYTES);
            memory.fill((byte) 7);

            MappedPages.release(memory.asReadOnly());
            MappedPages.release(memory);

            assertThat(memory.get(ValueLayout.JAVA_BYTE, SIZE_BYTES / 2)).isEqualTo((byte) 7);
        }
        assertThatCode(() ->
                        MappedPages.release(MemorySegment.ofArray(new byte[8]).asReadOnly()))
                .doesNotThrowAnyException();
    }
}
