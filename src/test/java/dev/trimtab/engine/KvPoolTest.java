package dev.trimtab.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trimtab.error.BadConfiguration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The pool and its engines' block pools: two engines of different block sizes allocate and release at
/// random.
class KvPoolTest {
    @Test
    void refusesToBeSmallerThanAnExtent() {
        assertThatThrownBy(() -> new KvPool(1000, 2048)).isInstanceOf(BadConfiguration.class);
        assertThatThrownBy(() -> new KvPool(0)).isInstanceOf(BadConfiguration.class);
        assertThatThrownBy(() -> new KvPool(-1)).isInstanceOf(BadConfiguration.class);
    }

    @ParameterizedTest
    @ValueSource(longs = {64, 100, 70_000, 1 << 22, 100_000_000})
    void cutsAnySizeIntoAlignedExtentsThatFillIt(long sizeBytes) {
        try (var pool = new KvPool(sizeBytes)) {
            assertThat(pool.extentBytes() % 64).isZero();
            assertThat(pool.memory().byteSize()).isEqualTo(pool.extents() * pool.extentBytes());
            assertThat(sizeBytes - pool.memory().byteSize()).isBetween(0L, pool.extentBytes() - 1);
            assertThat(pool.freeExtents()).isEqualTo(pool.extents());
        }
    }

    @Test
    void refusesBlocksLargerThanAnExtent() {
        try (var pool = new KvPool(4096, 1024)) {
            assertThatThrownBy(() -> new BlockPool(pool, 1025))
                    .isInstanceOf(BadConfiguration.class)
                    .hasMessageContaining("1025")
                    .hasMessageContaining("1024");
        }
    }

    @Test
    void packsBlocksIntoTheLowestExtentsSoThatOthersEmpty() {
        try (var pool = new KvPool(10 * 1024, 1024)) {
            var blocks = new BlockPool(pool, 512);
            assertThat(blocks.reserve(6)).isTrue();
            List<Long> taken = new ArrayList<>();
            for (int i = 0; i < 6; i++) {
                taken.add(blocks.allocate());
            }
            blocks.release(taken.get(1));
            blocks.release(taken.get(4));

            assertThat(blocks.reserve(1)).isTrue();
            assertThat(blocks.allocate()).isEqualTo(taken.get(1));
            blocks.release(taken.get(5));

            assertThat(pool.freeExtents()).isEqualTo(8);
        }
    }

    @Test
    void neverLosesOverlapsOrKeepsMemory() {
        for (int seed = 0; seed < 200; seed++) {
            Random random = new Random(0x9E3779B97F4A7C15L * (seed + 1));
            try (var pool = new KvPool(64L * (8 + random.nextInt(200)), 64L * (3 + random.nextInt(5)))) {
                List<BlockPool> engines = List.of(new BlockPool(pool, 64), new BlockPool(pool, 192));
                Map<Long, BlockPool> owners = new HashMap<>();
                for (int round = 0; round < 300; round++) {
                    play(random, engines.get(random.nextInt(2)), owners);
                    check(pool, engines, owners);
                }
                owners.forEach((offset, owner) -> owner.release(offset));
                assertThat(pool.freeExtents()).isEqualTo(pool.extents());
            }
        }
    }

    private static void play(Random random, BlockPool engine, Map<Long, BlockPool> owners) {
        if (random.nextInt(5) < 3) {
            int count = 1 + random.nextInt(4);
            int available = engine.available();
            boolean reserved = engine.reserve(count);
            assertThat(reserved).isEqualTo(available >= count);
            for (int i = 0; reserved && i < count; i++) {
                assertThat(owners.put(engine.allocate(), engine)).isNull();
            }
        } else {
            List<Long> own = owners.keySet().stream()
                    .filter(offset -> owners.get(offset) == engine)
                    .sorted()
                    .toList();
            if (!own.isEmpty()) {
                long offset = own.get(random.nextInt(own.size()));
                engine.release(offset);
                owners.remove(offset);
            }
        }
    }

    private static void check(KvPool pool, List<BlockPool> engines, Map<Long, BlockPool> owners) {
        boolean[] lines = new boolean[(int) (pool.memory().byteSize() / 64)];
        owners.forEach((offset, owner) -> {
            int count = owner == engines.get(0) ? 1 : 3;
            for (int line = (int) (offset / 64); line < offset / 64 + count; line++) {
                assertThat(lines[line]).as("overlap at " + offset).isFalse();
                lines[line] = true;
            }
        });
        assertThat(engines).allMatch(BlockPool::isConsistent);
        assertThat(engines.get(0).used() + engines.get(1).used()).isEqualTo(owners.size());
    }
}
