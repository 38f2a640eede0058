package dev.trimtab.api.lora;

import dev.trimtab.api.http.Endpoint;
import dev.trimtab.api.http.Endpoint.Access;
import dev.trimtab.api.http.Endpoint.Operation;
import dev.trimtab.api.http.Endpoint.Work;
import dev.trimtab.api.http.Exchange;
import dev.trimtab.api.http.Fields;
import dev.trimtab.api.http.Fields.Default;
import dev.trimtab.api.http.JsonWriter;
import dev.trimtab.variant.adapter.AdapterDirectory;
import dev.trimtab.variant.adapter.AdapterDirectory.Placed;
import dev.trimtab.variant.adapter.Adapters.Naming;
import dev.trimtab.variant.adapter.ServedAdapter;
import io.vertx.core.http.HttpMethod;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Loading and unloading adapters while their models serve: vLLM's two endpoints, and the list that mistral.rs adds
/// to them. Where vLLM answers with a sentence, the adapter comes back as JSON.
public final class LoraEndpoints {
    private final AdapterDirectory directory;

    public LoraEndpoints(AdapterDirectory directory) {
        this.directory = directory;
    }

    public List<Endpoint> list() {
        return List.of(
                new Endpoint(
                        HttpMethod.POST,
                        "/v1/load_lora_adapter",
                        Access.ADMIN,
                        Work.WORKER,
                        Operation.post("loadLoraAdapter", "Loads an adapter over a model.", "LoadLoraRequest", "Lora"),
                        this::load),
                new Endpoint(
                        HttpMethod.POST,
                        "/v1/unload_lora_adapter",
                        Access.ADMIN,
                        Work.WORKER,
                        Operation.post(
                                "unloadLoraAdapter",
                                "Forgets an adapter; what runs with it ends first.",
                                "UnloadLoraRequest",
                                "Lora"),
                        this::unload),
                new Endpoint(
                        HttpMethod.GET,
                        "/v1/lora_adapters",
                        Access.ADMIN,
                        Work.LOOP,
                        Operation.get("listLoraAdapters", "The adapters that are loaded.", "LoraList"),
                        this::adapters));
    }

    private void load(Exchange exchange, byte[] body) {
        Fields fields = Fields.ofBody(body);
        String name = fields.string("lora_name");
        exchange.target(name);
        boolean replaces = fields.flag("load_inplace", Default.FALSE);
        Placed loaded = directory.load(new AdapterDirectory.Order(
                name,
                fields.string("lora_path"),
                fields.findString("model"),
                fields.number("scale", 1),
                replaces ? Naming.REPLACING : Naming.NEW));
        exchange.send(200, JsonWriter.write(describe(loaded)));
    }

    private void unload(Exchange exchange, byte[] body) {
        String name = Fields.ofBody(body).string("lora_name");
        exchange.target(name);
        exchange.send(200, JsonWriter.write(describe(directory.unload(name))));
    }

    private void adapters(Exchange exchange, byte[] body) {
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("object", "list");
        answer.put(
                "data",
                directory.adapters().stream().map(LoraEndpoints::describe).toList());
        exchange.send(200, JsonWriter.write(answer));
    }

    private static Map<String, Object> describe(Placed placed) {
        ServedAdapter adapter = placed.adapter();
        Map<String, Object> lora = new LinkedHashMap<>();
        lora.put("id", adapter.id());
        lora.put("name", adapter.name());
        lora.put("parent", placed.parent());
        lora.put("path", adapter.source());
        lora.put("scale", adapter.scale());
        lora.put("rank", adapter.rank());
        lora.put("size_bytes", adapter.sizeBytes());
        lora.put("sequences", adapter.sequences());
        return lora;
    }
}
