package dev.trimtab.variant;

import dev.trimtab.error.Conflict;
import dev.trimtab.error.NotFound;
import dev.trimtab.error.Overloaded;
import dev.trimtab.error.TrimtabException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/// Every variant there is, by name, in the order they were added, with where each is in its life. Thread-safe;
/// readers see a snapshot.
///
/// A name that requests give is a variant's own, or an alias: the name of a model, which stands for the
/// model's default as long as that serves, else for the first of the model that was measured and is ready. So
/// what nobody has measured yet serves only who names it, or whom the operator has declared it for.
public final class VariantRegistry {
    /// Names in the list that a refusal shows: enough to find a slip of the pen.
    private static final int SHOWN_NAMES_MAX = 20;

    /// A load takes seconds.
    private static final Duration RETRY_LOADING = Duration.ofSeconds(2);

    /// One name and what it stands for.
    ///
    /// @param model the id of the model it is a variant of
    /// @param variant empty while it is loaded and when that failed
    /// @param lastUsedMillis since 1970, when a request named it last; 0 for never
    public record Slot(
            String name,
            String model,
            VariantState state,
            Optional<Variant> variant,
            Optional<Measured> measured,
            AtomicLong lastUsedMillis) {
        /// The same in another state.
        public Slot as(VariantState next) {
            return new Slot(name, model, next, variant, measured, lastUsedMillis);
        }
    }

    private final LongSupplier epochMillis;
    private volatile Map<String, Slot> slots = Map.of();
    private volatile Map<String, String> aliases = Map.of();
    private volatile boolean loading;

    public VariantRegistry() {
        this(System::currentTimeMillis);
    }

    /// With a clock of one's own.
    public VariantRegistry(LongSupplier epochMillis) {
        this.epochMillis = epochMillis;
    }

    /// Serves `variant` under its own name, as a model of its own.
    ///
    /// @throws Conflict when the name is taken
    public synchronized void add(Variant variant) {
        reserve(variant.name(), variant.name(), new LoadProgress());
        loaded(variant);
    }

    /// Keeps `name` for a variant of `model` that is to come. A failed one of that name is forgotten.
    ///
    /// @throws Conflict when the name is taken
    public synchronized void reserve(String name, String model, LoadProgress progress) {
        refuseTaken(name);
        VariantState state = new VariantState.Loading(progress);
        put(new Slot(name, model, state, Optional.empty(), Optional.empty(), new AtomicLong()));
    }

    /// `variant`, for whose name was reserved, serves from now on; unmeasured.
    public synchronized void loaded(Variant variant) {
        Slot slot = slot(variant.name());
        put(new Slot(
                slot.name(),
                slot.model(),
                new VariantState.Unmeasured(),
                Optional.of(variant),
                Optional.empty(),
                slot.lastUsedMillis()));
    }

    /// The variant of the reserved `name` will not come, because of `error`.
    public synchronized void failed(String name, String error) {
        put(slot(name).as(new VariantState.Failed(error)));
    }

    /// Makes a variant ready or quarantined, as `found` says. Without effect on one that is not there any
    /// more, or is being drained: measuring takes a while.
    public synchronized void measured(String name, Measured found) {
        Slot slot = slots.get(name);
        if (slot == null || slot.variant().isEmpty() || slot.state() instanceof VariantState.Draining) {
            return;
        }
        put(new Slot(name, slot.model(), found.state(), slot.variant(), Optional.of(found), slot.lastUsedMillis()));
    }

    /// Has the variant `name` take no more requests; one caller gets it to let go of.
    ///
    /// @throws NotFound when there is none
    /// @throws Conflict when it is being loaded, or drained already
    public synchronized Optional<Variant> drain(String name) {
        Slot slot = slot(name);
        switch (slot.state()) {
            case VariantState.Loading _ -> throw new Conflict("variant `" + name + "` is still being loaded");
            case VariantState.Draining _ -> throw new Conflict("variant `" + name + "` is being unloaded already");
            case VariantState.Unmeasured _, VariantState.Ready _, VariantState.Quarantined _, VariantState.Failed _ ->
                put(slot.as(new VariantState.Draining()));
        }
        return slot.variant();
    }

    /// Serves `variant`, which was added, under `name` too: the name of its model, whose default it is.
    ///
    /// @throws Conflict when the name is taken
    public synchronized void alias(String name, Variant variant) {
        refuseTaken(name);
        Map<String, String> next = new LinkedHashMap<>(aliases);
        next.put(name, variant.name());
        aliases = next;
    }

    private void refuseTaken(String name) {
        Slot slot = slots.get(name);
        boolean free = slot == null || slot.state() instanceof VariantState.Failed;
        if (!free || aliases.containsKey(name)) {
            throw new Conflict("the name `" + name + "` is taken"
                    + (slot == null
                            ? " by a model"
                            : " by a variant that is " + slot.state().word()));
        }
    }

    private void put(Slot slot) {
        Map<String, Slot> next = new LinkedHashMap<>(slots);
        next.put(slot.name(), slot);
        slots = next;
    }

    /// Forgets `name`; its model's name goes with the model's last variant.
    public synchronized void remove(String name) {
        Map<String, Slot> next = new LinkedHashMap<>(slots);
        next.remove(name);
        slots = next;
        Map<String, String> others = new LinkedHashMap<>(aliases);
        others.entrySet()
                .removeIf(alias -> !next.containsKey(alias.getValue())
                        && next.values().stream().noneMatch(slot -> slot.model().equals(alias.getKey())));
        aliases = others;
    }

    /// Everything there is, whatever its state.
    public List<Slot> slots() {
        return List.copyOf(slots.values());
    }

    /// @throws NotFound when there is no variant of that name, in whatever state
    public Slot slot(String name) {
        return find(name).orElseThrow(() -> new NotFound("there is no variant `" + name + "`"));
    }

    /// The variant of that very name, in whatever state.
    public Optional<Slot> find(String name) {
        return Optional.ofNullable(slots.get(name));
    }

    /// Whether `name` is what its model's name stands for by declaration.
    public boolean isDefault(String name) {
        Slot slot = slots.get(name);
        return slot != null && (slot.model().equals(name) || name.equals(aliases.get(slot.model())));
    }

    /// The variants that serve.
    public List<Variant> list() {
        return slots.values().stream()
                .filter(slot -> slot.state().isServing())
                .flatMap(slot -> slot.variant().stream())
                .toList();
    }

    /// Every name a client can give, with what it stands for.
    public Map<String, Variant> named() {
        Map<String, Variant> named = new LinkedHashMap<>();
        list().forEach(variant -> named.put(variant.name(), variant));
        for (String alias : aliases.keySet()) {
            Slot slot = resolve(alias);
            if (slot != null && slot.state().isServing()) {
                slot.variant().ifPresent(variant -> named.put(alias, variant));
            }
        }
        return named;
    }

    /// The variant that serves who asks for `name`, which counts as a use of it.
    ///
    /// @throws NotFound when none serves under that name; the message says why, or lists those there are
    /// @throws Overloaded when it is still being loaded
    public Variant get(String name) {
        Slot slot = resolve(name);
        if (slot == null || !slot.state().isServing()) {
            throw refusal(name, slot);
        }
        slot.lastUsedMillis().set(epochMillis.getAsLong());
        return slot.variant().orElseThrow(() -> refusal(name, slot));
    }

    private @Nullable Slot resolve(String name) {
        Slot own = slots.get(name);
        String byDefault = aliases.get(name);
        if (own != null || byDefault == null) {
            return own;
        }
        Slot declared = slots.get(byDefault);
        if (declared != null && declared.state().isServing()) {
            return declared;
        }
        return slots.values().stream()
                .filter(slot -> slot.model().equals(name) && slot.state() instanceof VariantState.Ready)
                .findFirst()
                .orElse(declared);
    }

    private TrimtabException refusal(String name, @Nullable Slot slot) {
        String model = "model `" + name + "` ";
        return switch (slot == null ? null : slot.state()) {
            case null ->
                new NotFound(model + "does not exist; available: "
                        + String.join(
                                ", ",
                                named().keySet().stream().limit(SHOWN_NAMES_MAX).toList()));
            case VariantState.Loading _ ->
                new Overloaded(Overloaded.Scope.SERVER, "loading", RETRY_LOADING, model + "is still being loaded");
            case VariantState.Draining _, VariantState.Unmeasured _, VariantState.Ready _ ->
                new NotFound(model + "is being unloaded and takes no more requests");
            case VariantState.Quarantined(String missed) ->
                new NotFound(model + "is quarantined and not served: " + missed);
            // The error names files; it is the operator's to see.
            case VariantState.Failed _ -> new NotFound(model + "could not be loaded; GET /admin/variants says why");
        };
    }

    /// Variants that were declared are still to come; those that are there serve meanwhile.
    public void beginLoading() {
        loading = true;
    }

    public void endLoading() {
        loading = false;
    }

    /// Whether all that was declared is served: what readiness means.
    public boolean isReady() {
        return !loading && !list().isEmpty();
    }
}
