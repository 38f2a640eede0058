package dev.trimtab.variant;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trimtab.api.FakeVariant;
import org.junit.jupiter.api.Test;

class VariantRegistryTest {
    @Test
    void isReadyOnceAllThatWasDeclaredIsServed() {
        VariantRegistry registry = new VariantRegistry();
        boolean empty = registry.isReady();

        registry.beginLoading();
        registry.add(new FakeVariant("first"));
        boolean halfway = registry.isReady();
        registry.endLoading();

        assertThat(empty).isFalse();
        assertThat(halfway).isFalse();
        assertThat(registry.isReady()).isTrue();
        assertThat(registry.get("first").name()).isEqualTo("first");
    }
}
