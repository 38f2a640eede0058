package dev.trimtab.api.openai;

import dev.trimtab.api.BareServer;
import dev.trimtab.api.FakeVariant;
import java.net.URI;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;

/// OpenAI's npm client against the bare server.
final class NodeSdkTest extends NodeSdkContract {
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
        for (FakeVariant.Submission submission : bare.variant().submissions()) {
            if (submission.request().stop().ignoreEos()) {
                submission.cancelled().get(10, TimeUnit.SECONDS);
            }
        }
    }
}
