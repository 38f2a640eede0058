package dev.trimtab.compress.recipe;

import dev.trimtab.error.BadConfiguration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/// Which tensors an entry of a recipe means, by one word of its `targets`.
public sealed interface Target {
    boolean matches(Subject subject);

    /// All matrices, which is what no target at all means too.
    record Everything() implements Target {
        @Override
        public boolean matches(Subject subject) {
            return true;
        }
    }

    /// All matrices that something is multiplied by: tables that are only looked up are none.
    record Multiplied() implements Target {
        @Override
        public boolean matches(Subject subject) {
            return !subject.isTable();
        }
    }

    /// What `meant` means, as far as one of `within` means it too (no bound where empty) and none of `ignored`.
    record Limited(Target meant, List<Target> within, List<Target> ignored) implements Target {
        public Limited {
            within = List.copyOf(within);
            ignored = List.copyOf(ignored);
        }

        @Override
        public boolean matches(Subject subject) {
            return meant.matches(subject)
                    && (within.isEmpty() || within.stream().anyMatch(target -> target.matches(subject)))
                    && ignored.stream().noneMatch(target -> target.matches(subject));
        }
    }

    record Group(TensorClass tensorClass) implements Target {
        @Override
        public boolean matches(Subject subject) {
            return subject.classes().contains(tensorClass);
        }
    }

    /// A glob, or what follows `re:`.
    record Names(NamePattern pattern) implements Target {
        @Override
        public boolean matches(Subject subject) {
            return subject.names().stream().anyMatch(pattern::matches);
        }
    }

    /// One tensor, by any of its names.
    record Exact(String name) implements Target {
        @Override
        public boolean matches(Subject subject) {
            return subject.names().contains(name);
        }
    }

    /// Names without a dot that are nevertheless names.
    List<String> DOTLESS = List.of("lm_head", "output", "token_embd", "position_embd", "wte", "wpe");

    String EVERYTHING = "Linear";

    /// @throws BadConfiguration for a word that is none of them
    static Target parse(String word) {
        if (word.equals(EVERYTHING)) {
            return new Everything();
        }
        if (word.startsWith("re:")) {
            return new Names(NamePattern.expression(word.substring(3)));
        }
        if (word.contains("*") || word.contains("?")) {
            return new Names(NamePattern.glob(word));
        }
        Optional<Target> group = Arrays.stream(TensorClass.values())
                .filter(tensorClass -> tensorClass.word().equals(word))
                .findFirst()
                .map(Group::new);
        return group.orElseGet(() -> exact(word));
    }

    /// The tensor of that name.
    ///
    /// @throws BadConfiguration where it cannot be one
    static Target exact(String word) {
        if (word.contains(".") || DOTLESS.contains(word)) {
            return new Exact(word);
        }
        List<String> known = new ArrayList<>(DOTLESS);
        known.add(EVERYTHING);
        Arrays.stream(TensorClass.values()).map(TensorClass::word).forEach(known::add);
        throw new BadConfiguration("target `" + word + "`" + Spelling.hint(word, known)
                + " expected attn, ffn, embed, head, Linear, a tensor's name, a glob or re:PATTERN");
    }
}
