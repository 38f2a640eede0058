package dev.trimtab.variant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trimtab.api.FakeVariant;
import dev.trimtab.error.Conflict;
import dev.trimtab.error.NotFound;
import dev.trimtab.error.Overloaded;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class VariantRegistryTest {
    private static final Measured GOOD =
            new Measured(OptionalDouble.of(0.98), OptionalDouble.of(100), Optional.empty(), Map.of());
    private static final Measured BAD = new Measured(
            OptionalDouble.of(0.5),
            OptionalDouble.of(100),
            Optional.of("same-top: at least 0.9 expected, found 0.5"),
            Map.of());

    private final AtomicLong millis = new AtomicLong(1);
    private final VariantRegistry registry = new VariantRegistry(millis::get);

    @Test
    void isReadyOnceAllThatWasDeclaredIsServed() {
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

    @Test
    void servesAFreshVariantToThoseWhoNameIt() {
        load("demo-int4", "demo");

        assertThat(registry.slot("demo-int4").state()).isEqualTo(new VariantState.Unmeasured());
        assertThat(registry.get("demo-int4").name()).isEqualTo("demo-int4");
        assertThatThrownBy(() -> registry.get("demo")).isInstanceOf(NotFound.class);
    }

    @Test
    void asksToComeBackWhileItLoads() {
        registry.reserve("demo", "demo", new LoadProgress());

        assertThat(registry.list()).isEmpty();
        assertThat(registry.named()).isEmpty();
        assertThatThrownBy(() -> registry.get("demo"))
                .isInstanceOf(Overloaded.class)
                .hasMessageContaining("still being loaded");
    }

    @Test
    void theModelsNameStandsForItsDefaultAndForNoUnmeasuredOther() {
        Variant first = load("demo-f16", "demo");
        load("demo-int8", "demo");
        Variant int4 = load("demo-int4", "demo");
        registry.alias("demo", first);

        assertThat(registry.get("demo")).isSameAs(first);
        registry.measured("demo-f16", BAD);
        assertThatThrownBy(() -> registry.get("demo"))
                .hasMessageContaining("quarantined")
                .hasMessageContaining("0.5");
        registry.measured("demo-int4", GOOD);
        assertThat(registry.get("demo")).isSameAs(int4);
        assertThat(registry.named()).containsEntry("demo", int4).doesNotContainKey("demo-f16");
    }

    @Test
    void theModelsNameGoesWithItsLastVariant() {
        registry.alias("demo", load("demo-f16", "demo"));
        load("demo-int4", "demo");
        registry.measured("demo-int4", GOOD);

        registry.remove("demo-f16");
        assertThat(registry.get("demo").name()).isEqualTo("demo-int4");
        registry.remove("demo-int4");
        assertThatThrownBy(() -> registry.get("demo")).hasMessageContaining("does not exist");
        registry.add(new FakeVariant("demo"));
        assertThat(registry.get("demo").name()).isEqualTo("demo");
    }

    @Test
    void quarantinesWhatMissesAGateAndSaysWhich() {
        load("demo-int2", "demo");
        registry.measured("demo-int2", BAD);

        assertThat(registry.slot("demo-int2").state().reason())
                .hasValueSatisfying(reason -> assertThat(reason).contains("same-top"));
        assertThatThrownBy(() -> registry.get("demo-int2"))
                .isInstanceOf(NotFound.class)
                .hasMessageContaining("same-top: at least 0.9 expected, found 0.5");
        registry.measured("demo-int2", GOOD);
        assertThat(registry.slot("demo-int2").state()).isEqualTo(new VariantState.Ready());
    }

    @Test
    void measuringDoesNotReviveWhatGoes() {
        load("demo", "demo");
        registry.drain("demo");

        registry.measured("demo", GOOD);
        registry.measured("gone", GOOD);

        assertThat(registry.slot("demo").state()).isEqualTo(new VariantState.Draining());
        assertThat(registry.find("gone")).isEmpty();
    }

    @Test
    void tellsWhyWhatGoesTakesNoMore() {
        Variant variant = load("demo", "demo");

        assertThat(registry.drain("demo")).containsSame(variant);
        assertThatThrownBy(() -> registry.get("demo"))
                .isInstanceOf(NotFound.class)
                .hasMessageContaining("being unloaded");
        assertThatThrownBy(() -> registry.drain("demo")).isInstanceOf(Conflict.class);
        assertThatThrownBy(() -> registry.drain("other")).isInstanceOf(NotFound.class);
    }

    @Test
    void aNameThatFailedCanBeUsedAgainAndTellsCallersNoPaths() {
        registry.reserve("demo", "demo", new LoadProgress());
        registry.failed("demo", "/srv/models/secret.gguf: bad magic");

        assertThat(registry.slot("demo").state().reason()).contains("/srv/models/secret.gguf: bad magic");
        assertThatThrownBy(() -> registry.get("demo"))
                .hasMessageContaining("could not be loaded")
                .hasMessageNotContaining("secret");
        registry.reserve("demo", "demo", new LoadProgress());
        assertThat(registry.slot("demo").state()).isInstanceOf(VariantState.Loading.class);
    }

    @Test
    void namesAndAliasesAreUnique() {
        Variant variant = load("demo-int4", "demo");
        registry.alias("demo", variant);

        for (String taken : new String[] {"demo", "demo-int4"}) {
            assertThatThrownBy(() -> registry.reserve(taken, "demo", new LoadProgress()))
                    .isInstanceOf(Conflict.class)
                    .hasMessageContaining(taken);
            assertThatThrownBy(() -> registry.alias(taken, variant)).isInstanceOf(Conflict.class);
        }
    }

    @Test
    void remembersWhenARequestNamedItLast() {
        load("demo", "demo");
        assertThat(registry.slot("demo").lastUsedMillis()).hasValue(0);

        millis.set(77);
        registry.get("demo");
        registry.measured("demo", GOOD);

        assertThat(registry.slot("demo").lastUsedMillis()).hasValue(77);
    }

    private Variant load(String name, String model) {
        Variant variant = new FakeVariant(name);
        registry.reserve(name, model, new LoadProgress());
        registry.loaded(variant);
        return variant;
    }
}
