package dev.trimtab.compress.recipe;

import dev.trimtab.checkpoint.ContentHash;
import dev.trimtab.compress.recipe.Stages.Extras;
import dev.trimtab.compress.recipe.Stages.Quantize;
import dev.trimtab.error.BadConfiguration;
import dev.trimtab.kernel.KvEncodings;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// What is to be made of a checkpoint while it is loaded, as its author wrote it: rules, not yet decisions
/// ([Plan]). `docs/COMPRESSION.md` has the schema.
public final class Recipe {
    /// Everything as the checkpoint has it.
    public static final Recipe KEEP = of("keep", List.of(Rule.all("keep", Quantize.nearest(Scheme.KEEP))));

    private final String name;
    private final RuleSet<Quantize> quantize;
    private final Optional<KvEncodings> kv;
    private final Extras extras;
    private final Origin origin;

    /// Where a recipe was found.
    ///
    /// @param text as it was written: YAML, or one word
    private record Origin(String text, Optional<Path> folder) {}

    Recipe(String name, RuleSet<Quantize> quantize, Optional<KvEncodings> kv, Extras extras) {
        this(name, quantize, kv, extras, new Origin(name, Optional.empty()));
    }

    private Recipe(String name, RuleSet<Quantize> quantize, Optional<KvEncodings> kv, Extras extras, Origin origin) {
        this.origin = origin;
        this.name = name;
        this.quantize = quantize;
        this.kv = kv;
        this.extras = extras;
    }

    private static Recipe of(String name, List<Rule<Quantize>> defaults) {
        return new Recipe(name, new RuleSet<>(List.of(), defaults, RuleSet.Order.LAST), Optional.empty(), Extras.NONE);
    }

    /// The recipe that `word` names: a shorthand (`int4`, `q4_k_m`), or is itself, in braces, or a YAML file, a
    /// relative one below `folder`.
    ///
    /// @throws BadConfiguration when it is neither, or the file is no recipe
    /// @throws dev.trimtab.error.Unsupported when the file asks for what cannot be done yet
    public static Recipe of(String word, Path folder) {
        Optional<List<Rule<Quantize>>> shorthand = Shorthand.rules(word);
        if (shorthand.isPresent()) {
            return of(word, shorthand.get());
        }
        if (word.startsWith("{")) {
            return parse(word, word);
        }
        Path file = folder.resolve(word);
        if (!Files.isRegularFile(file)) {
            throw new BadConfiguration("recipe `" + word + "`: neither a file nor a known scheme"
                    + Spelling.hint(word, Shorthand.words()));
        }
        return read(file);
    }

    private static Recipe read(Path file) {
        try {
            // Four bytes a character at most, so that what is too long is not read.
            if (Files.size(file) > 4L * YamlReader.SIZE_MAX) {
                throw new BadConfiguration(
                        file + ": a recipe of at most " + YamlReader.SIZE_MAX + " characters expected");
            }
            Recipe recipe = parse(file.toString(), Files.readString(file));
            Path folder = file.toAbsolutePath().getParent();
            return recipe.from(new Origin(recipe.origin.text, Optional.ofNullable(folder)));
        } catch (CharacterCodingException e) {
            throw new BadConfiguration(file + ": a recipe in UTF-8 expected");
        } catch (IOException e) {
            throw new BadConfiguration(file + " cannot be read: " + e.getMessage());
        }
    }

    /// Parses YAML, or JSON, of ours or of llm-compressor; `source` names it in messages.
    ///
    /// @throws BadConfiguration with line and key where something is wrong
    /// @throws dev.trimtab.error.Unsupported naming what cannot be done yet
    public static Recipe parse(String source, String yaml) {
        YamlValue value = YamlReader.read(source, yaml);
        Recipe recipe =
                LlmCompressor.wrote(value) ? LlmCompressor.read(source, value) : new RecipeReader(source).read(value);
        return recipe.from(new Origin(yaml, Optional.empty()));
    }

    private Recipe from(Origin found) {
        return new Recipe(name, quantize, kv, extras, found);
    }

    public String name() {
        return name;
    }

    /// How keys and values are cached; empty leaves that to whoever serves.
    public Optional<KvEncodings> kv() {
        return kv;
    }

    /// Where files that it names are; empty for one that is no file, which can name none.
    public Optional<Path> folder() {
        return origin.folder;
    }

    /// SHA-256 of its text; files that it names do not count.
    public String digest() {
        return ContentHash.of(origin.text);
    }

    public RuleSet<Quantize> quantize() {
        return quantize;
    }

    public Extras extras() {
        return extras;
    }

    /// Every rule that means tensors, in the order of the stages.
    public List<Rule<?>> rules() {
        List<Rule<?>> all = new ArrayList<>(extras.structured());
        all.addAll(extras.layerDrops());
        all.addAll(extras.sparsity().all());
        all.addAll(extras.lowRank().all());
        all.addAll(quantize.all());
        all.addAll(extras.compensate().all());
        return all;
    }

    @Override
    public String toString() {
        return name;
    }
}
