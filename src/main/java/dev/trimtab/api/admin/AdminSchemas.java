package dev.trimtab.api.admin;

import dev.trimtab.api.http.Schemas;
import dev.trimtab.variant.VariantState;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// The schemas of administration's bodies and answers.
public final class AdminSchemas {
    private AdminSchemas() {}

    public static Map<String, Map<String, Object>> all() {
        Map<String, Map<String, Object>> schemas = new LinkedHashMap<>();
        schemas.put("VariantRequest", request());
        schemas.put("Variant", variant());
        schemas.put("VariantPrediction", prediction());
        schemas.put("VariantEstimate", estimate());
        schemas.put("VariantMemory", memory());
        schemas.put(
                "VariantList",
                Schemas.object(
                        "",
                        Schemas.required("data", Schemas.array("In the order they came.", Schemas.ref("Variant"))),
                        Schemas.required("memory", Schemas.ref("VariantMemory"))));
        schemas.put(
                "VariantOrPrediction",
                Schemas.anyOf(
                        "A prediction for a dry run.",
                        List.of(Schemas.ref("Variant"), Schemas.ref("VariantPrediction"))));
        return schemas;
    }

    private static Map<String, Object> request() {
        return Schemas.object(
                "A variant to load.",
                Schemas.required("name", Schemas.string("The id clients name.")),
                Schemas.required("model", Schemas.string("A declared model, or a path below the model root.")),
                Schemas.optional(
                        "recipe",
                        Schemas.anyOf(
                                "Absent serves the checkpoint as it is.",
                                List.of(
                                        Schemas.string("A scheme such as int4, or a recipe in YAML."),
                                        Schemas.object("A recipe.")))),
                Schemas.optional("pin", Schemas.flag("Never evict it for another.")),
                Schemas.optional("wait", Schemas.flag("Answer when it serves.")));
    }

    private static Map<String, Object> variant() {
        return Schemas.object(
                "A variant and where it is in its life.",
                Schemas.required("name", Schemas.string("The id clients name.")),
                Schemas.required("model", Schemas.string("What it is a variant of.")),
                Schemas.required(
                        "state",
                        Schemas.word("Unmeasured and ready ones serve.", VariantState.WORDS.toArray(String[]::new))),
                Schemas.required("reason", Schemas.orNull(Schemas.string("Why it is quarantined or failed."))),
                Schemas.required("progress", Schemas.orNull(Schemas.number("Of its load.", 0, 1))),
                Schemas.required("pinned", Schemas.flag("It is never evicted.")),
                Schemas.required("default", Schemas.flag("Its model's name stands for it.")),
                Schemas.required("memory_bytes", Schemas.integer("Weights and scratch, as predicted.")),
                Schemas.required("last_used", Schemas.orNull(Schemas.string("When a request named it last."))),
                Schemas.optional("created", Schemas.string("When it was loaded.")),
                Schemas.optional(
                        "weight_bytes",
                        Schemas.object(
                                "Packed weights.",
                                Schemas.required("own", Schemas.integer("Those that go when it goes.")),
                                Schemas.required("shared", Schemas.integer("Those that others hold too.")))),
                Schemas.optional(
                        "sequences",
                        Schemas.object(
                                "",
                                Schemas.required("running", Schemas.integer("In the batch.")),
                                Schemas.required("waiting", Schemas.integer("In the queue.")))),
                Schemas.optional("plan", Schemas.object("Source, recipe, encoding and sizes.")),
                Schemas.required(
                        "measurement", Schemas.orNull(Schemas.object("Quality, speed, and the gate it missed."))));
    }

    private static Map<String, Object> prediction() {
        return Schemas.object(
                "What a load would give.",
                Schemas.required("name", Schemas.string("The variant's.")),
                Schemas.required("fits", Schemas.flag("There is room, or can be made.")),
                Schemas.required("reason", Schemas.orNull(Schemas.string("Why it does not fit."))),
                Schemas.required("evicts", Schemas.array("What would have to go for it.", Schemas.string(""))),
                Schemas.required("weight_bytes", Schemas.integer("Packed weights.")),
                Schemas.required("scratch_bytes", Schemas.integer("Activations of one step.")),
                Schemas.required("kv_bytes_full_sequence", Schemas.integer("Of the shared KV pool.")),
                Schemas.required("decode_tokens_per_second", Schemas.ref("VariantEstimate")),
                Schemas.required("quality", Schemas.ref("VariantEstimate")));
    }

    private static Map<String, Object> estimate() {
        return Schemas.object(
                "",
                Schemas.required("value", Schemas.orNull(Map.of("type", "number"))),
                Schemas.required("basis", Schemas.string("Where it comes from, or why it is not known.")));
    }

    private static Map<String, Object> memory() {
        return Schemas.object(
                "Weights and scratch.",
                Schemas.required("taken_bytes", Schemas.integer("By all variants.")),
                Schemas.required("total_bytes", Schemas.integer("That they may take.")));
    }
}
