package dev.trimtab.cli;

import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.compress.Decision;
import dev.trimtab.compress.Plan;
import dev.trimtab.kernel.KvEncodings;
import dev.trimtab.variant.MemoryPlan;
import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `trimtab explain`: what a recipe makes of each tensor of a checkpoint, and which rule said so.
@Command(
        name = "explain",
        description = "Lists what a recipe makes of each tensor, and why, without loading it.",
        mixinStandardHelpOptions = true)
final class ExplainCommand implements Callable<Integer> {
    @Mixin
    private final ModelOption model = new ModelOption();

    @Option(names = "--json", description = "As JSON, for programs.")
    private boolean json;

    @Parameters(paramLabel = "RECIPE", description = "A recipe's file, or int8, int4, q4_k_m and the like.")
    private String recipe = "";

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() {
        try (Checkpoint checkpoint = model.open()) {
            Plan plan = Plan.of(RecipeOption.parse(recipe), checkpoint);
            PrintWriter out = spec.commandLine().getOut();
            if (json) {
                out.println(Json.indented(facts(plan)));
            } else {
                print(plan, out);
            }
            out.flush();
            return 0;
        }
    }

    private static void print(Plan plan, PrintWriter out) {
        for (Decision decision : plan.decisions()) {
            out.printf(
                    Locale.ROOT,
                    "%-28s %-16s %-8s -> %-12s %6.2f bits %10s   %s (%s)%n",
                    decision.tensor(),
                    decision.shape(),
                    decision.stored(),
                    decision.held().label(),
                    decision.bitsPerWeight(),
                    MemoryPlan.readable(decision.bytes()),
                    decision.rule(),
                    decision.why());
        }
        out.printf(
                Locale.ROOT,
                "%n%d tensors, %s, %.2f bits per weight, KV cache %s%n",
                plan.decisions().size(),
                MemoryPlan.readable(plan.bytes()),
                plan.bitsPerWeight(),
                kv(plan));
        plan.unusedRules().forEach(rule -> out.println("matches no tensor: " + rule));
    }

    private static Map<String, Object> facts(Plan plan) {
        List<Map<String, Object>> tensors =
                plan.decisions().stream().map(ExplainCommand::facts).toList();
        Map<String, Object> facts = new LinkedHashMap<>();
        facts.put("recipe", plan.recipe().name());
        facts.put("tensors", tensors);
        facts.put("bytes", plan.bytes());
        facts.put("bits_per_weight", plan.bitsPerWeight());
        facts.put("kv", kv(plan));
        facts.put("unused_rules", plan.unusedRules());
        return facts;
    }

    private static Map<String, Object> facts(Decision decision) {
        Map<String, Object> facts = new LinkedHashMap<>();
        facts.put("name", decision.tensor());
        facts.put("shape", decision.shape().extents());
        facts.put("stored", decision.stored().name());
        facts.put("held", decision.held().label());
        facts.put("bits_per_weight", decision.bitsPerWeight());
        facts.put("bytes", decision.bytes());
        facts.put("rule", decision.rule());
        facts.put("why", decision.why());
        return facts;
    }

    private static String kv(Plan plan) {
        return plan.recipe().kv().map(KvEncodings::label).orElse("as served");
    }
}
