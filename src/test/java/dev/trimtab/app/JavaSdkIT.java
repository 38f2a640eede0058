package dev.trimtab.app;

import dev.trimtab.api.openai.JavaSdkContract;
import java.io.IOException;
import java.net.URI;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;

/// OpenAI's Java client against the packaged product.
@TestInstance(Lifecycle.PER_CLASS)
class JavaSdkIT extends JavaSdkContract {
    private PackagedServer server;

    @BeforeAll
    void start() throws IOException {
        server = PackagedServer.start();
    }

    @AfterAll
    void stop() {
        server.close();
    }

    @Override
    protected URI server() {
        return URI.create(server.address());
    }

    @Override
    protected void awaitNothingRunning() throws IOException, InterruptedException {
        server.awaitIdle();
    }
}
