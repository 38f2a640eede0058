package dev.trimtab.api.admin;

import dev.trimtab.api.http.Endpoint;
import dev.trimtab.api.http.Endpoint.Access;
import dev.trimtab.api.http.Endpoint.Operation;
import dev.trimtab.api.http.Endpoint.Work;
import dev.trimtab.api.http.Schemas;
import dev.trimtab.variant.life.VariantAdministration;
import io.vertx.core.http.HttpMethod;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/// Administration's rows of the endpoint table.
public final class AdminEndpoints {
    private static final String COLLECTION = "/admin/variants";
    private static final String ELEMENT = COLLECTION + "/{name}";

    private final Variants variants;

    /// `administration` is empty until the process knows what its models take.
    public AdminEndpoints(Supplier<Optional<VariantAdministration>> administration) {
        this.variants = new Variants(administration);
    }

    public List<Endpoint> list() {
        return List.of(
                row(HttpMethod.POST, COLLECTION, load(), variants::load),
                row(
                        HttpMethod.GET,
                        COLLECTION,
                        Operation.get("listVariants", "Every variant.", "VariantList"),
                        variants::list),
                row(HttpMethod.GET, ELEMENT, Operation.get("getVariant", "One variant.", "Variant"), variants::get),
                row(HttpMethod.DELETE, ELEMENT, unload(), variants::unload));
    }

    /// On a worker: some open a checkpoint, or wait.
    private static Endpoint row(HttpMethod method, String path, Operation operation, Endpoint.Handler handler) {
        return new Endpoint(method, path, Access.ADMIN, Work.WORKER, operation, handler);
    }

    private static Operation load() {
        return Operation.post(
                        "loadVariant",
                        "Loads a variant while others serve: 202 when it was begun, 201 when it serves, 200 for a"
                                + " prediction.",
                        "VariantRequest",
                        "VariantOrPrediction")
                .answering(200, 201, 202)
                .asking(Schemas.optional(
                        Variants.DRY_RUN, Schemas.flag("Say what the load would give; load no weight.")));
    }

    private static Operation unload() {
        return Operation.get(
                        "unloadVariant",
                        "Refuses new requests, lets running ones finish, then frees the variant: 202 when it was begun,"
                                + " 204 when it is gone.",
                        "Variant")
                .answering(202, 204)
                .asking(Schemas.optional(Variants.WAIT, Schemas.flag("Answer when it is gone.")));
    }
}
