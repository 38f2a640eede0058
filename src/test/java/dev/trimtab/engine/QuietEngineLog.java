package dev.trimtab.engine;

import java.util.logging.Level;
import java.util.logging.Logger;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/// Keeps the engine's log still where a test makes faults on purpose.
final class QuietEngineLog implements BeforeAllCallback, AfterAllCallback {
    private static final Logger LOG = Logger.getLogger(Engine.class.getName());

    @Override
    public void beforeAll(ExtensionContext context) {
        LOG.setLevel(Level.OFF);
    }

    @Override
    public void afterAll(ExtensionContext context) {
        LOG.setLevel(null);
    }
}
