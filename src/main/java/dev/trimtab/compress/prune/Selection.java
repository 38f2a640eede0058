package dev.trimtab.compress.prune;

import dev.trimtab.error.BadConfiguration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;

/// Which groups of each block stay. A block loses its lowest scores in steps that leave a multiple of its
/// alignment; at least one alignment's worth stays. Of all steps those with the lowest mean score are taken
/// until what they cost is as near as can be to `ratio` of everything. Of equal scores the later group goes
/// first; nothing depends on chance or threads.
public final class Selection {
    /// Groups that a block loses together.
    @SuppressWarnings("ArrayRecordComponent")
    private record Step(int block, double score, double cost, int[] groups) {}

    private Selection() {}

    /// Each block loses `ratio` of its own.
    ///
    /// @param ratio in 0..1
    /// @return what stays of each block, ascending
    /// @throws BadConfiguration for a ratio outside
    public static List<int[]> uniform(List<Candidates> blocks, double ratio) {
        return blocks.stream()
                .map(block -> select(List.of(block), ratio).getFirst())
                .toList();
    }

    /// All blocks compete by their standardized scores, weighed by what their groups cost (FLAP, section 4.2,
    /// where a head costs 512 / 3 neurons); together they lose `ratio`.
    ///
    /// @param ratio in 0..1
    /// @return what stays of each block, ascending
    /// @throws BadConfiguration for a ratio outside
    public static List<int[]> global(List<Candidates> blocks, double ratio) {
        return select(blocks.stream().map(Candidates::standardized).toList(), ratio);
    }

    private static List<int[]> select(List<Candidates> blocks, double ratio) {
        if (!(ratio >= 0 && ratio < 1)) {
            throw new BadConfiguration("ratio " + ratio + ": a number from 0 to below 1 expected");
        }
        double total = 0;
        List<Step> steps = new ArrayList<>();
        for (int i = 0; i < blocks.size(); i++) {
            total += blocks.get(i).cost() * blocks.get(i).scores().length;
            addSteps(blocks.get(i), i, steps);
        }
        // Stable: of equal scores, blocks in order and a block's steps from the lowest.
        steps.sort(Comparator.comparingDouble(Step::score));
        List<Set<Integer>> removed = new ArrayList<>();
        blocks.forEach(_ -> removed.add(new HashSet<>()));
        double rest = ratio * total;
        for (Step step : steps) {
            if (rest < step.cost() / 2) {
                break;
            }
            rest -= step.cost();
            Arrays.stream(step.groups()).forEach(removed.get(step.block())::add);
        }
        return IntStream.range(0, blocks.size())
                .mapToObj(i -> IntStream.range(0, blocks.get(i).scores().length)
                        .filter(group -> !removed.get(i).contains(group))
                        .toArray())
                .toList();
    }

    private static void addSteps(Candidates block, int index, List<Step> steps) {
        double[] scores = block.scores();
        int[] order = IntStream.range(0, scores.length)
                .boxed()
                .sorted(Comparator.comparingDouble((Integer group) -> scores[group])
                        .thenComparing(Comparator.reverseOrder()))
                .mapToInt(Integer::intValue)
                .toArray();
        int remaining = scores.length;
        while (remaining > block.align()) {
            int next = (remaining - 1) / block.align() * block.align();
            int[] groups = Arrays.copyOfRange(order, scores.length - remaining, scores.length - next);
            double mean = Arrays.stream(groups)
                    .mapToDouble(group -> scores[group])
                    .average()
                    .orElseThrow();
            steps.add(new Step(index, mean, block.cost() * groups.length, groups));
            remaining = next;
        }
    }
}
