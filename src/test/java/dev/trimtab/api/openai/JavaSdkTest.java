package dev.trimtab.api.openai;

import dev.trimtab.api.BareServer;
import java.net.URI;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;

/// OpenAI's Java SDK against the bare server.
final class JavaSdkTest extends JavaSdkContract {
    private final BareServer bare = BareServer.start();

    @AfterEach
    void stop() {
        bare.close();
    }

    @Override
    protected URI server() {
        return bare.uri();
    }

    @Override
    protected void awaitNothingRunning() throws Exception {
        bare.nextSubmission().cancelled().get(10, TimeUnit.SECONDS);
    }
}
