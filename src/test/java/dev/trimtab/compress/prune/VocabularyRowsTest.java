package dev.trimtab.compress.prune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trimtab.compress.calibration.TokenUse;
import dev.trimtab.compress.prune.VocabularyRows.Limit;
import dev.trimtab.error.BadConfiguration;
import java.util.BitSet;
import java.util.Map;
import org.junit.jupiter.api.Test;

class VocabularyRowsTest {
    /// Of seven tokens 0 and 5 must stay; 4 is merged from 2 and 6.
    private static final TokenUse USE = new Use(new long[] {0, 5, 0, 7, 7, 1, 0}, bits(0, 5), Map.of(4, bits(2, 4, 6)));

    @SuppressWarnings("ArrayRecordComponent")
    private record Use(long[] counts, BitSet indispensable, Map<Integer, BitSet> merged) implements TokenUse {
        @Override
        public BitSet ancestors(int id) {
            return merged.getOrDefault(id, new BitSet());
        }
    }

    private static BitSet bits(int... ids) {
        BitSet bits = new BitSet();
        for (int id : ids) {
            bits.set(id);
        }
        return bits;
    }

    private static int[] kept(Limit limit) {
        return VocabularyRows.kept(USE, limit, 8).ids();
    }

    @Test
    void keepsWhatMustStayAndWhatIsMostFrequent() {
        assertThat(kept(new Limit.Count(2))).containsExactly(0, 5);
        assertThat(kept(new Limit.Count(3))).containsExactly(0, 3, 5);
    }

    @Test
    void keepsATokenOnlyWithItsAncestors() {
        assertThat(kept(new Limit.Count(4))).containsExactly(0, 1, 3, 5);
        assertThat(kept(new Limit.Count(6))).containsExactly(0, 2, 3, 4, 5, 6);
    }

    @Test
    void fillsUpWithTokensThatTheCorpusDoesNotHave() {
        assertThat(kept(new Limit.Count(100))).containsExactly(0, 1, 2, 3, 4, 5, 6);
        assertThat(kept(new Limit.Share(0.5))).containsExactly(0, 1, 3, 5);
    }

    @Test
    void keepsWhatCoversAShareOfTheCorpus() {
        assertThat(kept(new Limit.Coverage(0))).containsExactly(0, 5);
        assertThat(kept(new Limit.Coverage(0.4))).containsExactly(0, 3, 5);
        assertThat(kept(new Limit.Coverage(0.75))).containsExactly(0, 2, 3, 4, 5, 6);
        assertThat(kept(new Limit.Coverage(1))).containsExactly(0, 1, 2, 3, 4, 5, 6);
    }

    @Test
    void predictsHowManyRowsMayStay() {
        assertThat(new Limit.Count(5).most(8)).isEqualTo(5);
        assertThat(new Limit.Count(9).most(8)).isEqualTo(8);
        assertThat(new Limit.Share(0.25).most(8)).isEqualTo(2);
        assertThat(new Limit.Share(0.001).most(8)).isEqualTo(1);
        assertThat(new Limit.Coverage(0.5).most(8)).isEqualTo(8);
    }

    @Test
    void refusesWhatCannotBe() {
        assertThatThrownBy(() -> kept(new Limit.Count(1)))
                .isInstanceOf(BadConfiguration.class)
                .hasMessageContaining("2 must stay")
                .hasMessageContaining("1 may");
        assertThatThrownBy(
                        () -> VocabularyRows.kept(new Use(new long[3], new BitSet(), Map.of()), new Limit.Count(2), 3))
                .isInstanceOf(BadConfiguration.class)
                .hasMessageContaining("corpus");
        assertThatThrownBy(() -> VocabularyRows.kept(new Use(new long[3], bits(3), Map.of()), new Limit.Count(2), 8))
                .isInstanceOf(BadConfiguration.class);
    }
}
