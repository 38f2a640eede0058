package dev.trimtab.variant.life;

import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.checkpoint.hub.Hub;
import dev.trimtab.variant.ModelSource;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/// Opens checkpoints. A model from a hub is fetched once in the process's life, so that a load while serving
/// waits for no network. Thread-safe.
public final class Sources {
    private final Hub hub;
    private final Map<ModelSource, Path> fetched = new ConcurrentHashMap<>();

    public Sources(Hub hub) {
        this.hub = hub;
    }

    /// The checkpoint at `source`; the caller closes.
    ///
    /// @throws dev.trimtab.error.TrimtabException when it is not there, or is none
    public Checkpoint open(ModelSource source) {
        return switch (source) {
            case ModelSource.Remote remote ->
                Checkpoint.open(fetched.computeIfAbsent(remote, _ -> hub.fetch(remote.reference())));
            case ModelSource.Embedded _, ModelSource.Local _ -> source.open(hub);
        };
    }
}
