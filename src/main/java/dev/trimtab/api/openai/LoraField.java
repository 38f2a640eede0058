package dev.trimtab.api.openai;

import static dev.trimtab.api.http.Schemas.anyOf;
import static dev.trimtab.api.http.Schemas.integer;
import static dev.trimtab.api.http.Schemas.number;
import static dev.trimtab.api.http.Schemas.object;
import static dev.trimtab.api.http.Schemas.optional;
import static dev.trimtab.api.http.Schemas.required;
import static dev.trimtab.api.http.Schemas.string;

import dev.trimtab.api.http.Fields;
import dev.trimtab.engine.GenerationRequest;
import dev.trimtab.error.InvalidRequest;
import dev.trimtab.error.NotFound;
import dev.trimtab.variant.Variant;
import dev.trimtab.variant.adapter.ServedAdapter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// `lora`, llama-server's field: `[{"id": 0, "scale": 0.5}]` says which of the model's adapters are on, and how
/// much; those that are not listed are off. An id may also be the adapter's name.
final class LoraField {
    private LoraField() {}

    static Map<String, Object> schema() {
        return object(
                "",
                required("id", anyOf("Its number or its name.", List.of(integer(""), string("")))),
                optional("scale", number("Its factor; default 1.", -(int) GenerationRequest.ADAPTER_SCALE_MAX, (int)
                        GenerationRequest.ADAPTER_SCALE_MAX)));
    }

    /// Names and factors of what is on.
    ///
    /// @throws InvalidRequest when an adapter comes twice
    /// @throws NotFound when `variant` has none of that id
    static Map<String, Float> read(Fields fields, Variant variant) {
        Map<String, Float> scales = new LinkedHashMap<>();
        int index = 0;
        for (Object element : fields.list("lora", GenerationRequest.ADAPTERS_MAX)) {
            Fields one = Fields.of(element, "lora[" + index++ + "]");
            String name = name(one, variant);
            if (scales.put(name, one.number("scale", 1)) != null) {
                throw InvalidRequest.param(
                        one.path("id"), one.path("id") + ": each adapter once expected, found `" + name + "` again");
            }
        }
        return scales;
    }

    private static String name(Fields one, Variant variant) {
        Object id = one.find("id").orElseThrow(() -> one.missing("id", "an adapter's number or name"));
        if (id instanceof String name) {
            return name;
        }
        int number = Fields.integer(id, one.path("id"), 0, Integer.MAX_VALUE);
        return variant.adapters().list().stream()
                .filter(adapter -> adapter.id() == number)
                .findFirst()
                .map(ServedAdapter::name)
                .orElseThrow(() ->
                        new NotFound(one.path("id") + ": model `" + variant.name() + "` has no adapter " + number));
    }
}
