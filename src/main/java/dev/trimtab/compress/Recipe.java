package dev.trimtab.compress;

import dev.trimtab.error.BadConfiguration;
import dev.trimtab.kernel.KvEncoding;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/// What is to be made of a checkpoint while it is loaded, as its author wrote it: rules, not yet decisions
/// ([Plan]). `docs/COMPRESSION.md` has the schema.
public final class Recipe {
    /// Which of several entries wins that say equally precisely what they mean.
    enum Order {
        /// The later, as in mistral.rs.
        LAST,
        /// The earlier, as in llama-quantize and mlx.
        FIRST
    }

    /// Everything as the checkpoint has it.
    public static final Recipe KEEP =
            new Recipe("keep", List.of(), List.of(Rule.all("keep", Scheme.KEEP)), Order.LAST, Optional.empty());

    private final String name;
    private final List<Rule> rules;
    private final List<Rule> defaults;
    private final Order order;
    private final Optional<KvEncoding> kv;

    /// `defaults` count only for what no rule means.
    Recipe(String name, List<Rule> rules, List<Rule> defaults, Order order, Optional<KvEncoding> kv) {
        this.name = name;
        this.rules = List.copyOf(rules);
        this.defaults = List.copyOf(defaults);
        this.order = order;
        this.kv = kv;
    }

    /// The recipe that `word` names: a shorthand (`int4`, `q4_k_m`), else a YAML file, a relative one below
    /// `folder`.
    ///
    /// @throws BadConfiguration when it is neither, or the file is no recipe
    /// @throws dev.trimtab.error.Unsupported when the file asks for what cannot be done yet
    public static Recipe of(String word, Path folder) {
        Optional<List<Rule>> shorthand = Shorthand.rules(word);
        if (shorthand.isPresent()) {
            return new Recipe(word, List.of(), shorthand.get(), Order.LAST, Optional.empty());
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
            return parse(file.toString(), Files.readString(file));
        } catch (CharacterCodingException e) {
            throw new BadConfiguration(file + ": a recipe in UTF-8 expected");
        } catch (IOException e) {
            throw new BadConfiguration(file + " cannot be read: " + e.getMessage());
        }
    }

    /// Parses YAML, or JSON; `source` names it in messages.
    ///
    /// @throws BadConfiguration with line and key where something is wrong
    /// @throws dev.trimtab.error.Unsupported naming what cannot be done yet
    public static Recipe parse(String source, String yaml) {
        return new RecipeReader(source).read(YamlReader.read(source, yaml));
    }

    public String name() {
        return name;
    }

    /// How keys and values are cached; empty leaves that to whoever serves.
    public Optional<KvEncoding> kv() {
        return kv;
    }

    /// Every rule, in the order written, the defaults last.
    List<Rule> allRules() {
        return Stream.concat(rules.stream(), defaults.stream()).toList();
    }

    /// The rule that decides about `subject`, in a model with `layerCount` layers; empty where none means it.
    Optional<Winner> winner(Subject subject, int layerCount) {
        return winner(rules, subject, layerCount).or(() -> winner(defaults, subject, layerCount));
    }

    /// @param level by which it won
    record Winner(Rule rule, Rule.Level level) {}

    private Optional<Winner> winner(List<Rule> candidates, Subject subject, int layerCount) {
        Optional<Winner> best = Optional.empty();
        for (Rule rule : candidates) {
            Optional<Rule.Level> level = rule.match(subject, layerCount);
            if (level.isPresent()
                    && (best.isEmpty() || beats(level.get(), best.get().level()))) {
                best = Optional.of(new Winner(rule, level.get()));
            }
        }
        return best;
    }

    private boolean beats(Rule.Level level, Rule.Level earlier) {
        int difference = level.compareTo(earlier);
        return difference > 0 || (difference == 0 && order == Order.LAST);
    }

    @Override
    public String toString() {
        return name;
    }
}
