package dev.trimtab.api.http;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// JSON Schema (2020-12, OpenAPI 3.1's) as plain maps, for the document that the endpoint table makes.
public final class Schemas {
    private Schemas() {}

    /// A field of an object.
    public record Property(String name, Map<String, Object> schema, boolean isRequired) {}

    public static Property required(String name, Map<String, Object> schema) {
        return new Property(name, schema, true);
    }

    public static Property optional(String name, Map<String, Object> schema) {
        return new Property(name, schema, false);
    }

    public static Map<String, Object> object(String description, Property... properties) {
        Map<String, Object> schema = described("object", description);
        Map<String, Object> fields = new LinkedHashMap<>();
        List<String> names = new ArrayList<>();
        for (Property property : properties) {
            fields.put(property.name(), property.schema());
            if (property.isRequired()) {
                names.add(property.name());
            }
        }
        schema.put("properties", fields);
        if (!names.isEmpty()) {
            schema.put("required", names);
        }
        return schema;
    }

    public static Map<String, Object> string(String description) {
        return described("string", description);
    }

    /// A string that is one of `values`.
    public static Map<String, Object> word(String description, String... values) {
        Map<String, Object> schema = described("string", description);
        schema.put("enum", List.of(values));
        return schema;
    }

    public static Map<String, Object> flag(String description) {
        return described("boolean", description);
    }

    public static Map<String, Object> integer(String description) {
        return described("integer", description);
    }

    public static Map<String, Object> integer(String description, long min, long max) {
        return ranged(described("integer", description), min, max);
    }

    public static Map<String, Object> number(String description, double min, double max) {
        return ranged(described("number", description), min, max);
    }

    public static Map<String, Object> array(String description, Map<String, Object> items) {
        Map<String, Object> schema = described("array", description);
        schema.put("items", items);
        return schema;
    }

    /// An object whose keys are the caller's.
    public static Map<String, Object> map(String description, Map<String, Object> values) {
        Map<String, Object> schema = described("object", description);
        schema.put("additionalProperties", values);
        return schema;
    }

    public static Map<String, Object> anyOf(String description, List<Map<String, Object>> choices) {
        Map<String, Object> schema = new LinkedHashMap<>();
        schema.put("description", description);
        schema.put("anyOf", choices);
        return schema;
    }

    /// The schema `name` of the same document.
    public static Map<String, Object> ref(String name) {
        return Map.of("$ref", "#/components/schemas/" + name);
    }

    public static Map<String, Object> orNull(Map<String, Object> schema) {
        return Map.of("anyOf", List.of(schema, Map.of("type", "null")));
    }

    private static Map<String, Object> described(String type, String description) {
        Map<String, Object> schema = new LinkedHashMap<>();
        schema.put("type", type);
        if (!description.isEmpty()) {
            schema.put("description", description);
        }
        return schema;
    }

    private static Map<String, Object> ranged(Map<String, Object> schema, Number min, Number max) {
        schema.put("minimum", min);
        schema.put("maximum", max);
        return schema;
    }
}
