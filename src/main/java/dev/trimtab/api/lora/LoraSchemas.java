package dev.trimtab.api.lora;

import static dev.trimtab.api.http.Schemas.array;
import static dev.trimtab.api.http.Schemas.flag;
import static dev.trimtab.api.http.Schemas.integer;
import static dev.trimtab.api.http.Schemas.number;
import static dev.trimtab.api.http.Schemas.object;
import static dev.trimtab.api.http.Schemas.optional;
import static dev.trimtab.api.http.Schemas.ref;
import static dev.trimtab.api.http.Schemas.required;
import static dev.trimtab.api.http.Schemas.string;

import java.util.LinkedHashMap;
import java.util.Map;

/// The bodies of the adapters' endpoints as schemas.
public final class LoraSchemas {
    private LoraSchemas() {}

    /// By the names the endpoints use.
    public static Map<String, Map<String, Object>> all() {
        Map<String, Map<String, Object>> schemas = new LinkedHashMap<>();
        schemas.put(
                "LoadLoraRequest",
                object(
                        "An adapter to load.",
                        required("lora_name", string("What requests will name it by.")),
                        required("lora_path", string("A GGUF file or a PEFT folder below the model root.")),
                        optional("load_inplace", flag("Whether it may replace one of that name; default false.")),
                        optional("model", string("Over which; the first that is served, when not given.")),
                        optional(
                                "scale",
                                number("Its factor where a request names it as model; default 1.", -100, 100))));
        schemas.put(
                "UnloadLoraRequest",
                object("An adapter to unload.", required("lora_name", string("What it was loaded as."))));
        schemas.put("Lora", lora());
        schemas.put(
                "LoraList",
                object("All of them.", required("object", string("")), required("data", array("", ref("Lora")))));
        return schemas;
    }

    private static Map<String, Object> lora() {
        return object(
                "A loaded adapter.",
                required("id", integer("What `lora` may name it by, with its model.")),
                required("name", string("")),
                required("parent", string("The model it is loaded over.")),
                required("path", string("Where it came from.")),
                required("scale", number("Its factor where a request names it as model.", -100, 100)),
                required("rank", integer("The largest of its matrices.")),
                required("size_bytes", integer("Once packed.")),
                required("sequences", integer("That run with it or wait to.")));
    }
}
