package dev.trimtab.variant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trimtab.error.BadConfiguration;
import dev.trimtab.variant.MemoryPlan.Demand;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

class MemoryPlanTest {
    private static final long GIB = 1L << 30;
    private static final Demand SMALL = new Demand("small", GIB, GIB / 8, 1 << 20, GIB / 4, 2 * GIB);

    @Test
    void givesTheCacheWhatItWishesWhereThereIsRoom() {
        MemoryPlan plan = MemoryPlan.of(16 * GIB, List.of(SMALL), OptionalLong.empty());

        assertThat(plan.kvBytes()).isEqualTo(2 * GIB);
        assertThat(plan.kvExtentBytes() % SMALL.kvBlockBytes()).isZero();
        assertThat(plan.kvBytes() % plan.kvExtentBytes()).isZero();
    }

    @Test
    void leavesHeadRoomWhereThereIsLittle() {
        MemoryPlan plan = MemoryPlan.of(3 * GIB, List.of(SMALL), OptionalLong.empty());

        assertThat(plan.kvBytes()).isBetween(GIB / 4, 2 * GIB - 1);
    }

    @Test
    void refusesAModelThatCannotFitWithTheNumbers() {
        assertThatThrownBy(() -> MemoryPlan.of(GIB, List.of(SMALL), OptionalLong.empty()))
                .isInstanceOf(BadConfiguration.class)
                .hasMessageContaining("1.0 GiB available")
                .hasMessageContaining("small: weights 1.0 GiB");
    }

    @Test
    void refusesACacheTooSmallForOneSequence() {
        assertThatThrownBy(() -> MemoryPlan.of(16 * GIB, List.of(SMALL), OptionalLong.of(1 << 20)))
                .isInstanceOf(BadConfiguration.class)
                .hasMessageContaining("KV pool 1.0 MiB");
    }

    @Test
    void sumsWhatSeveralModelsHold() {
        MemoryPlan plan = MemoryPlan.of(16 * GIB, List.of(SMALL, SMALL), OptionalLong.empty());

        assertThat(plan.weightBytes()).isEqualTo(2 * GIB);
        assertThat(plan.kvBytes()).isEqualTo(4 * GIB);
    }
}
