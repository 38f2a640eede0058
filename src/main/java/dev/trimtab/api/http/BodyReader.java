package dev.trimtab.api.http;

import dev.trimtab.error.InvalidRequest;
import dev.trimtab.error.Overloaded;
import dev.trimtab.error.TooLarge;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerRequest;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;

/// Gathers a request's body within limits: of one body, of all bodies at once, of time.
///
/// After a refusal the rest of the body is discarded for a moment before the connection is closed: closing at
/// once could take the answer away from a client that is still sending.
final class BodyReader {
    private static final long DISCARD_MILLIS = 1_000;

    private final ApiOptions.Limits limits;
    private final AtomicLong heldBytes = new AtomicLong();

    BodyReader(ApiOptions.Limits limits) {
        this.limits = limits;
    }

    /// Bytes of bodies held now; [#release] gives them back.
    long heldBytes() {
        return heldBytes.get();
    }

    /// Gives `body` to `taker` once it is whole; refusals go to the exchange. The taker's side calls
    /// [#release].
    void read(HttpServerRequest request, Exchange exchange, Consumer<byte[]> taker) {
        try {
            checkHead(request);
        } catch (InvalidRequest | TooLarge e) {
            exchange.fail(e);
            discard(request, exchange);
            return;
        }
        if ("100-continue".equalsIgnoreCase(request.getHeader("expect"))) {
            request.response().writeContinue();
        }
        new Gathering(request, exchange, taker).start();
    }

    void release(int sizeBytes) {
        heldBytes.addAndGet(-sizeBytes);
    }

    private void checkHead(HttpServerRequest request) {
        String encoding = request.getHeader("content-encoding");
        if (encoding != null && !"identity".equalsIgnoreCase(encoding)) {
            throw InvalidRequest.of("content-encoding: identity expected, found " + encoding);
        }
        String length = request.getHeader("content-length");
        if (length != null && (length.length() > 18 || Long.parseLong(length) > limits.bodyBytesMax())) {
            throw tooLarge(length);
        }
    }

    private TooLarge tooLarge(String found) {
        return new TooLarge("the body: at most " + limits.bodyBytesMax() + " bytes expected, found " + found);
    }

    private static void discard(HttpServerRequest request, Exchange exchange) {
        if (request.isEnded()) {
            return;
        }
        request.handler(_ -> {});
        request.resume();
        long timer = exchange.vertx()
                .setTimer(DISCARD_MILLIS, _ -> request.connection().close());
        request.endHandler(_ -> exchange.vertx().cancelTimer(timer));
    }

    /// One body on its way in.
    private final class Gathering {
        private final HttpServerRequest request;
        private final Exchange exchange;
        private final Consumer<byte[]> taker;
        private final Buffer body = Buffer.buffer();
        private long timer;
        private boolean over;

        Gathering(HttpServerRequest request, Exchange exchange, Consumer<byte[]> taker) {
            this.request = request;
            this.exchange = exchange;
            this.taker = taker;
        }

        void start() {
            Duration timeout = limits.bodyTimeout();
            exchange.onGone(this::drop);
            request.exceptionHandler(_ -> drop());
            request.handler(this::add);
            request.endHandler(_ -> end());
            timer = exchange.vertx().setTimer(timeout.toMillis(), _ -> {
                exchange.send(Failure.slowBody(timeout.toSeconds()));
                abandon();
            });
            request.resume();
        }

        private void add(Buffer part) {
            if (body.length() + part.length() > limits.bodyBytesMax()) {
                exchange.fail(tooLarge("more"));
                abandon();
            } else if (heldBytes.addAndGet(part.length()) > limits.bodiesBytesMax()) {
                heldBytes.addAndGet(-part.length());
                exchange.fail(new Overloaded(
                        Overloaded.Scope.SERVER,
                        "bodies_full",
                        Duration.ofSeconds(1),
                        "too many bytes of bodies at once"));
                abandon();
            } else {
                body.appendBuffer(part);
            }
        }

        private void end() {
            over = true;
            exchange.vertx().cancelTimer(timer);
            exchange.onGone(() -> {});
            taker.accept(body.getBytes());
        }

        private void abandon() {
            drop();
            discard(request, exchange);
        }

        private void drop() {
            if (!over) {
                over = true;
                exchange.vertx().cancelTimer(timer);
                request.handler(_ -> {});
                request.endHandler(_ -> {});
                release(body.length());
            }
        }
    }
}
