package dev.trimtab.model;

import dev.trimtab.kernel.RopePairing;
import java.util.Arrays;
import java.util.Optional;
import java.util.stream.Collectors;

/// The model families the forward pass is wired for, as data: a family is a row here plus the tensors its
/// layers have.
public enum Architecture {
    /// Llama 1-3, Mistral, SmolLM 1-2: GGUF stores their q and k rows permuted so that neighbours pair.
    LLAMA("llama", RopePairing.ADJACENT);

    private final String ggufName;
    private final RopePairing ropePairing;

    Architecture(String ggufName, RopePairing ropePairing) {
        this.ggufName = ggufName;
        this.ropePairing = ropePairing;
    }

    /// The family that GGUF calls `ggufName`.
    public static Optional<Architecture> of(String ggufName) {
        return Arrays.stream(values()).filter(a -> a.ggufName.equals(ggufName)).findFirst();
    }

    static String names() {
        return Arrays.stream(values()).map(Architecture::ggufName).collect(Collectors.joining(", "));
    }

    public String ggufName() {
        return ggufName;
    }

    public RopePairing ropePairing() {
        return ropePairing;
    }
}
