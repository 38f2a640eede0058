package dev.trimtab.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MergerTest {
    private static final int HEAP_ALWAYS = 0;
    private static final int SCAN_ALWAYS = Integer.MAX_VALUE;

    @Test
    void mergesTheLowestRankFirst() {
        LongTable merges = new LongTable();
        merges.putIfAbsent(LongTable.pair(0, 1), Merger.merge(1, 3));
        merges.putIfAbsent(LongTable.pair(1, 2), Merger.merge(0, 4));

        assertThat(merged(new Merger(merges), List.of(0, 1, 2))).containsExactly(0, 4);
    }

    @Test
    void mergesTheLeftmostOfEqualRanksFirst() {
        LongTable merges = new LongTable();
        merges.putIfAbsent(LongTable.pair(0, 0), Merger.merge(0, 1));

        assertThat(merged(new Merger(merges), List.of(0, 0, 0))).containsExactly(1, 0);
    }

    @Test
    void keepsWhatCannotBeMerged() {
        assertThat(merged(new Merger(new LongTable()), List.of(5, 6, 7))).containsExactly(5, 6, 7);
        assertThat(merged(new Merger(new LongTable()), List.of(5))).containsExactly(5);
        assertThat(merged(new Merger(new LongTable()), List.of())).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void scanAndHeapAgreeWithTheDefinition(long seed) {
        Random random = new Random(seed);
        for (int round = 0; round < 200; round++) {
            LongTable merges = randomMerges(random, 2 + random.nextInt(5));
            List<Integer> word = random.ints(random.nextInt(120), 0, 3).boxed().toList();

            List<Integer> expected = byDefinition(merges, word);

            assertThat(merged(new Merger(merges, SCAN_ALWAYS), word)).isEqualTo(expected);
            assertThat(merged(new Merger(merges, HEAP_ALWAYS), word)).isEqualTo(expected);
            assertThat(merged(new Merger(merges), word)).isEqualTo(expected);
        }
    }

    @Test
    void needsAtMostThreeStepsForEachSymbolOfALongRun() {
        int size = 1 << 20;
        LongTable merges = new LongTable();
        for (int symbol = 0; symbol < 24; symbol++) {
            merges.putIfAbsent(LongTable.pair(symbol, symbol), Merger.merge(symbol, symbol + 1));
        }
        Merger merger = new Merger(merges);
        for (int i = 0; i < size; i++) {
            merger.add(0);
        }

        merger.merge();

        assertThat(merger.size()).isEqualTo(1);
        assertThat(merger.symbol(0)).isEqualTo(20);
        assertThat(merger.steps()).isLessThanOrEqualTo(3L * size);
    }

    @Test
    void needsAtMostThreeStepsForEachSymbolWhenRanksRunBackwards() {
        int size = 1 << 18;
        LongTable merges = new LongTable();
        merges.putIfAbsent(LongTable.pair(0, 1), Merger.merge(3, 2));
        merges.putIfAbsent(LongTable.pair(2, 2), Merger.merge(2, 3));
        merges.putIfAbsent(LongTable.pair(3, 2), Merger.merge(1, 3));
        merges.putIfAbsent(LongTable.pair(2, 3), Merger.merge(0, 3));
        Merger merger = new Merger(merges);
        for (int i = 0; i < size; i++) {
            merger.add(i & 1);
        }

        merger.merge();

        assertThat(merger.size()).isEqualTo(1);
        assertThat(merger.steps()).isLessThanOrEqualTo(3L * size);
    }

    @Test
    void shortWordsAreScannedInBoundedSteps() {
        LongTable merges = randomMerges(new Random(5), 6);
        Merger merger = new Merger(merges);
        long words = 1000;
        for (int i = 0; i < words; i++) {
            merger.clear();
            for (int k = 0; k < Merger.SCAN_MAX; k++) {
                merger.add(k % 3);
            }
            merger.merge();
        }

        assertThat(merger.steps()).isLessThanOrEqualTo(words * Merger.SCAN_MAX * Merger.SCAN_MAX);
    }

    /// Merges over few symbols, with ranks that several pairs share.
    private static LongTable randomMerges(Random random, int symbols) {
        LongTable merges = new LongTable();
        for (int i = 0; i < symbols * 3; i++) {
            int left = random.nextInt(symbols);
            int right = random.nextInt(symbols);
            merges.putIfAbsent(LongTable.pair(left, right), Merger.merge(random.nextInt(4), random.nextInt(symbols)));
        }
        return merges;
    }

    private static List<Integer> byDefinition(LongTable merges, List<Integer> word) {
        List<Integer> symbols = new ArrayList<>(word);
        while (true) {
            int best = -1;
            long bestMerge = Long.MAX_VALUE;
            for (int i = 0; i + 1 < symbols.size(); i++) {
                long merge = merges.get(LongTable.pair(symbols.get(i), symbols.get(i + 1)));
                if (merge != LongTable.ABSENT && merge >>> 32 < bestMerge >>> 32) {
                    best = i;
                    bestMerge = merge;
                }
            }
            if (best < 0) {
                return symbols;
            }
            symbols.set(best, (int) bestMerge);
            symbols.remove(/* index */ best + 1);
        }
    }

    private static List<Integer> merged(Merger merger, List<Integer> word) {
        word.forEach(merger::add);
        merger.merge();
        List<Integer> symbols = new ArrayList<>();
        for (int i = 0; i < merger.size(); i++) {
            symbols.add(merger.symbol(i));
        }
        return symbols;
    }
}
