package dev.trimtab.variant.life;

import dev.trimtab.compress.recipe.Recipe;
import dev.trimtab.error.BadConfiguration;
import dev.trimtab.error.InvalidRequest;
import dev.trimtab.error.TooLarge;
import dev.trimtab.variant.Backend;
import dev.trimtab.variant.ModelDeclaration;
import dev.trimtab.variant.ModelRoot;
import dev.trimtab.variant.ModelSource;
import dev.trimtab.variant.VariantDeclaration;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import java.util.zip.CRC32;

/// What variants can be made of: the declared models, and what lies below the model root.
///
/// @param models those of `trimtab.yaml`
public record VariantCatalog(List<ModelDeclaration> models, ModelRoot root) {
    /// A recipe is a page or two; with a rule for each tensor of a large model, a hundred.
    static final int RECIPE_LENGTH_MAX = 256 << 10;

    /// What could be a scheme's name. Everything else is a recipe's text; it never names a file.
    private static final Pattern WORD = Pattern.compile("[A-Za-z0-9_.-]{1,64}");

    public VariantCatalog {
        models = List.copyOf(models);
    }

    /// What `request` means.
    ///
    /// @throws InvalidRequest when the name or the recipe is none
    /// @throws dev.trimtab.error.NotFound when there is no such model
    /// @throws dev.trimtab.error.Forbidden when it is a path that leads out of the model root
    public VariantOrder order(VariantRequest request) {
        Optional<Recipe> recipe = request.recipe().map(VariantCatalog::recipe);
        VariantDeclaration variant = asked("name", () -> new VariantDeclaration(request.name(), recipe, request.pin()));
        Optional<ModelDeclaration> declared = models.stream()
                .filter(model -> model.name().equals(request.model()))
                .findFirst();
        if (declared.isPresent() && recipe.isPresent() && declared.get().backend() != Backend.TRIMTAB) {
            throw InvalidRequest.param(
                    "recipe",
                    "recipe: none expected, for model `" + request.model() + "` is computed by "
                            + declared.get().backend().word());
        }
        return declared.map(model -> VariantOrder.of(model, variant)).orElseGet(() -> {
            ModelSource source = new ModelSource.Local(root.resolve("model", request.model()));
            return new VariantOrder(source.defaultName(), source, Backend.TRIMTAB, variant);
        });
    }

    private static Recipe recipe(String text) {
        if (text.length() > RECIPE_LENGTH_MAX) {
            throw new TooLarge("recipe: at most " + RECIPE_LENGTH_MAX + " characters expected, found " + text.length());
        }
        boolean word = WORD.matcher(text).matches();
        return asked("recipe", () -> Recipe.parse(word ? text : inlineName(text), word ? "quantize: " + text : text));
    }

    /// The same for the same text, so that variants of one recipe can be told.
    private static String inlineName(String text) {
        CRC32 sum = new CRC32();
        sum.update(text.getBytes(StandardCharsets.UTF_8));
        return "inline:" + HexFormat.of().toHexDigits((int) sum.getValue());
    }

    /// What callers get wrong is theirs to mend, not the operator's.
    private static <T> T asked(String param, Supplier<T> parse) {
        try {
            return parse.get();
        } catch (BadConfiguration refused) {
            throw InvalidRequest.param(param, param + ": " + refused.getMessage());
        }
    }
}
