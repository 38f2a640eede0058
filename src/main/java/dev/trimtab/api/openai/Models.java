package dev.trimtab.api.openai;

import dev.trimtab.api.http.Exchange;
import dev.trimtab.api.http.JsonWriter;
import dev.trimtab.variant.Measured;
import dev.trimtab.variant.Variant;
import dev.trimtab.variant.adapter.AdapterDirectory;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// `GET /v1/models` and `GET /v1/models/{id}`: what is served, with the facts a caller chooses by.
final class Models {
    private final AdapterDirectory directory;

    Models(AdapterDirectory directory) {
        this.directory = directory;
    }

    void list(Exchange exchange, byte[] body) {
        List<Map<String, Object>> data = directory.named().entrySet().stream()
                .map(entry -> describe(entry.getKey(), entry.getValue()))
                .toList();
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("object", "list");
        answer.put("data", data);
        exchange.send(200, JsonWriter.write(answer));
    }

    void get(Exchange exchange, byte[] body) {
        String name = exchange.pathTail();
        exchange.send(200, JsonWriter.write(describe(name, directory.get(name))));
    }

    private Map<String, Object> describe(String name, Variant variant) {
        Map<String, Object> model = new LinkedHashMap<>();
        model.put("id", name);
        model.put("object", "model");
        model.put("created", variant.createdEpochSeconds());
        model.put("owned_by", "trimtab");
        model.put("max_model_len", variant.contextLength()); // where vLLM's clients look
        if (variant.parent().isPresent()) {
            model.put("root", name);
            model.put("parent", variant.parent().get()); // as vLLM says of an adapter
        } else if (!name.equals(variant.name())) {
            model.put("root", variant.name()); // vLLM's word for what an id stands for
        }
        Map<String, Object> facts = new LinkedHashMap<>(variant.description());
        directory.slot(variant.name()).ifPresent(slot -> {
            facts.put("state", slot.state().word());
            slot.measured().ifPresent(measured -> facts.put("measured", shown(measured)));
        });
        model.put("trimtab", facts);
        return model;
    }

    private static Map<String, Object> shown(Measured measured) {
        Map<String, Object> shown = new LinkedHashMap<>();
        measured.quality().ifPresent(quality -> shown.put("quality", quality));
        Measured.SHOWN.forEach(name -> measured.figure(name).ifPresent(value -> shown.put(name, value)));
        return shown;
    }
}
