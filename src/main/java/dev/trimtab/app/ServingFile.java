package dev.trimtab.app;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.exc.UnrecognizedPropertyException;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import dev.trimtab.compress.recipe.Recipe;
import dev.trimtab.error.BadConfiguration;
import dev.trimtab.variant.Backend;
import dev.trimtab.variant.ModelDeclaration;
import dev.trimtab.variant.ModelSource;
import dev.trimtab.variant.VariantDeclaration;
import dev.trimtab.variant.VariantDeclaration.Pin;
import dev.trimtab.variant.adapter.AdapterDeclaration;
import dev.trimtab.variant.adapter.AdapterDeclaration.Mode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// `trimtab.yaml`: the models to serve. Unknown keys are errors.
///
/// ```yaml
/// models:
///   - name: demo              # the id clients name; default: the file's name
///     source: embedded:demo   # or a path, relative to this file, or hf:org/name
///     backend: trimtab        # or llama.cpp
///     variants:               # default: one, the checkpoint as it is, under the model's name
///       - name: demo-int4     # the id clients name; the model's name stands for the first
///         recipe: int4        # a scheme, or a recipe's path, relative to this file
///         lock: int4.lock         # written at the first load; later ones must come to the same
///         pin: true           # never evicted for another; the first never is
///     adapters:               # LoRA, over each variant
///       - name: sql           # what clients name it by
///         path: lora/sql.gguf # or a PEFT folder, relative to this file
///         scale: 1.0          # its factor; default 1
///         mode: live          # or merge: part of the weights
/// ```
public record ServingFile(@Nullable List<Entry> models) {
    /// One model as it is written.
    public record Entry(
            @Nullable String name,
            @Nullable String source,
            @Nullable String backend,
            @Nullable List<VariantEntry> variants,
            @Nullable List<AdapterEntry> adapters) {}

    /// One adapter as it is written.
    public record AdapterEntry(
            @Nullable String name,
            @Nullable String path,
            @Nullable Float scale,
            @Nullable String mode) {}

    /// One variant as it is written.
    public record VariantEntry(
            @Nullable String name,
            @Nullable String recipe,
            @Nullable String lock,
            @Nullable Boolean pin) {}

    /// A configuration is a page, not a book.
    private static final long SIZE_MAX = 1 << 20;

    private static final ObjectMapper YAML =
            new ObjectMapper(new YAMLFactory()).enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES);

    /// Reads `file`.
    ///
    /// @throws BadConfiguration with the file and the key where something is wrong
    public static List<ModelDeclaration> read(Path file) {
        try {
            if (Files.size(file) > SIZE_MAX) {
                throw new BadConfiguration(file + ": at most " + SIZE_MAX + " bytes expected");
            }
            ServingFile parsed = YAML.readValue(Files.readString(file), ServingFile.class);
            return parsed.declarations(file);
        } catch (UnrecognizedPropertyException e) {
            // Records are read from a buffer, so the parser's line is not the key's; its path is.
            throw new BadConfiguration(
                    file + ": unknown key `" + path(e) + "`; known here: " + e.getKnownPropertyIds());
        } catch (JsonProcessingException e) {
            throw new BadConfiguration(file + ":"
                    + (e.getLocation() == null ? 1 : e.getLocation().getLineNr()) + ": " + e.getOriginalMessage());
        } catch (IOException e) {
            throw new BadConfiguration(file + " cannot be read: " + e.getMessage());
        }
    }

    /// Such as `models[0].nmae`.
    private static String path(JsonMappingException e) {
        StringBuilder path = new StringBuilder();
        for (JsonMappingException.Reference step : e.getPath()) {
            if (step.getFieldName() == null) {
                path.append('[').append(step.getIndex()).append(']');
            } else {
                path.append(path.isEmpty() ? "" : ".").append(step.getFieldName());
            }
        }
        return path.toString();
    }

    private List<ModelDeclaration> declarations(Path file) {
        if (models == null || models.isEmpty()) {
            throw new BadConfiguration(file + ": `models` must list at least one model");
        }
        return models.stream().map(entry -> declaration(file, entry)).toList();
    }

    private static ModelDeclaration declaration(Path file, Entry entry) {
        if (entry.source() == null) {
            throw new BadConfiguration(file + ": a model needs a `source`: embedded:demo, hf:org/name or a path");
        }
        ModelSource source = ModelSource.parse(entry.source());
        if (source instanceof ModelSource.Local(Path path) && !path.isAbsolute()) {
            source = new ModelSource.Local(file.toAbsolutePath().resolveSibling(path));
        }
        Backend backend = entry.backend() == null ? Backend.TRIMTAB : Backend.of(entry.backend());
        String name = entry.name() == null ? source.defaultName() : entry.name();
        List<AdapterEntry> written = entry.adapters() == null ? List.of() : entry.adapters();
        List<AdapterDeclaration> adapters =
                written.stream().map(adapter -> adapter(file, adapter)).toList();
        List<VariantDeclaration> variants = entry.variants() == null
                ? List.of(new VariantDeclaration(name, Optional.empty(), Optional.empty(), Pin.EVICTABLE, adapters))
                : entry.variants().stream()
                        .map(variant -> variant(file, variant, adapters))
                        .toList();
        return new ModelDeclaration(name, source, backend, variants);
    }

    private static AdapterDeclaration adapter(Path file, AdapterEntry entry) {
        if (entry.name() == null || entry.path() == null) {
            throw new BadConfiguration(file + ": an adapter needs a `name` and a `path`");
        }
        return new AdapterDeclaration(
                entry.name(),
                file.toAbsolutePath().resolveSibling(entry.path()),
                entry.scale() == null ? 1 : entry.scale(),
                entry.mode() == null ? Mode.LIVE : Mode.of(entry.mode()));
    }

    private static VariantDeclaration variant(Path file, VariantEntry entry, List<AdapterDeclaration> adapters) {
        if (entry.name() == null || entry.recipe() == null) {
            throw new BadConfiguration(file + ": a variant needs a `name` and a `recipe`: a scheme or a path");
        }
        Path folder = file.toAbsolutePath().resolveSibling("");
        Pin pin = Boolean.TRUE.equals(entry.pin()) ? Pin.PINNED : Pin.EVICTABLE;
        Optional<Path> lock = Optional.ofNullable(entry.lock()).map(folder::resolve);
        return new VariantDeclaration(
                entry.name(), Optional.of(Recipe.of(entry.recipe(), folder)), lock, pin, adapters);
    }
}
