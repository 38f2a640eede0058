package dev.trimtab.variant;

import dev.trimtab.error.BadConfiguration;
import java.util.Arrays;
import java.util.stream.Collectors;

/// What computes a variant's tokens.
public enum Backend {
    /// Our own kernels.
    TRIMTAB("trimtab"),
    /// llama.cpp, for families and GPUs that ours do not cover; its library is the operator's to add.
    LLAMA_CPP("llama.cpp");

    private final String word;

    Backend(String word) {
        this.word = word;
    }

    /// As `trimtab.yaml` spells it.
    public String word() {
        return word;
    }

    /// The backend that is spelled `word`.
    ///
    /// @throws BadConfiguration when there is none; the message lists those there are
    public static Backend of(String word) {
        return Arrays.stream(values())
                .filter(backend -> backend.word.equals(word))
                .findFirst()
                .orElseThrow(() -> new BadConfiguration("backend: one of "
                        + Arrays.stream(values()).map(Backend::word).collect(Collectors.joining(", "))
                        + " expected, found `" + word + "`"));
    }
}
