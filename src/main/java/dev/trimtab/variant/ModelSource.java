package dev.trimtab.variant;

import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.checkpoint.hub.Hub;
import dev.trimtab.checkpoint.hub.HubReference;
import dev.trimtab.error.Internal;
import dev.trimtab.error.NotFound;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/// Where a checkpoint comes from.
public sealed interface ModelSource {
    /// Opens it, fetched from `hub` where it is to come from there; the caller closes.
    Checkpoint open(Hub hub);

    /// The name it is served under unless the user gives one.
    String defaultName();

    /// The model that ships inside Trimtab.
    record Embedded() implements ModelSource {
        private static final String RESOURCE = "/models/demo.gguf";

        @Override
        public Checkpoint open(Hub hub) {
            try (InputStream in = ModelSource.class.getResourceAsStream(RESOURCE)) {
                if (in == null) {
                    throw new Internal("resource " + RESOURCE + " is missing from the build");
                }
                return Checkpoint.of("embedded:demo", MemorySegment.ofArray(in.readAllBytes()));
            } catch (IOException e) {
                throw new Internal("resource " + RESOURCE + " cannot be read", e);
            }
        }

        @Override
        public String defaultName() {
            return "demo";
        }

        @Override
        public String toString() {
            return "embedded:demo";
        }
    }

    /// A file, or a directory in Hugging Face layout.
    record Local(Path path) implements ModelSource {
        @Override
        public Checkpoint open(Hub hub) {
            if (!Files.exists(path)) {
                throw new NotFound("no checkpoint at " + path);
            }
            return Checkpoint.open(path);
        }

        @Override
        public String defaultName() {
            String name = path.toAbsolutePath().normalize().getFileName().toString();
            return name.toLowerCase(Locale.ROOT).endsWith(".gguf") ? name.substring(0, name.length() - 5) : name;
        }

        @Override
        public String toString() {
            return path.toString();
        }
    }

    /// A model on a hub.
    record Remote(HubReference reference) implements ModelSource {
        @Override
        public Checkpoint open(Hub hub) {
            return Checkpoint.open(hub.fetch(reference));
        }

        @Override
        public String defaultName() {
            return reference.modelName();
        }

        @Override
        public String toString() {
            return reference.toString();
        }
    }

    /// `embedded:demo`, `hf:org/name...` ([HubReference]), or a path.
    static ModelSource parse(String text) {
        if (HubReference.recognizes(text)) {
            return new Remote(HubReference.parse(text));
        }
        return text.equals("embedded:demo") ? new Embedded() : new Local(Path.of(text));
    }
}
