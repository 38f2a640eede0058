package dev.trimtab.compress;

import dev.trimtab.compress.compensate.RankBudget;
import dev.trimtab.compress.recipe.Stages.Correct;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/// Shares the bytes that a recipe allows for the corrections of one entry out between its matrices, by what each
/// direction gives back ([RankBudget]). It compresses them all once to see; what is then served is made anew.
final class BudgetedRanks {
    private final Plan plan;
    private final List<String> names;
    private final Function<String, RankBudget.Candidate> gains;
    private final Map<Correct, Map<String, Integer>> ranks = new HashMap<>();

    /// @param names of the matrices that are left
    /// @param gains what correcting one of them would give
    BudgetedRanks(Plan plan, List<String> names, Function<String, RankBudget.Candidate> gains) {
        this.plan = plan;
        this.names = List.copyOf(names);
        this.gains = gains;
    }

    /// The treatment of `name` with the rank that it gets; without a correction where it gets none.
    Treatment settled(String name, Treatment treatment) {
        Optional<Correct> asked = treatment.correct();
        if (asked.isEmpty() || asked.get().budgetMebibytes().isEmpty()) {
            return treatment;
        }
        int rank = ranks.computeIfAbsent(asked.get(), this::shared).getOrDefault(name, 0);
        return treatment.with(
                rank == 0 ? Optional.empty() : Optional.of(asked.get().ofRank(rank)));
    }

    private Map<String, Integer> shared(Correct asked) {
        List<String> members = names.stream()
                .filter(name -> plan.treatment(name)
                        .flatMap(Treatment::correct)
                        .filter(asked::equals)
                        .isPresent())
                .toList();
        List<RankBudget.Candidate> candidates = new ArrayList<>();
        members.forEach(name -> candidates.add(gains.apply(name)));
        int[] found = new RankBudget((long) asked.budgetMebibytes().orElseThrow() << 20).ranks(candidates);
        Map<String, Integer> shared = new HashMap<>();
        for (int i = 0; i < found.length; i++) {
            shared.put(members.get(i), found[i]);
        }
        return shared;
    }
}
