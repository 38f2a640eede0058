package dev.trimtab.api.http;

import io.vertx.core.http.HttpServerResponse;
import java.time.Duration;

/// A stream of server-sent events in answer to one request, written as `data: {json}\n\n`. Event loop only.
///
/// Events gather in [#event()]'s buffer and leave in one write per [#flush()]. When the client reads slower
/// than it is written to, [#isFull()] turns true: the owner then keeps what it has until it is told that
/// there is room again. A client that takes nothing for the stall timeout is cut.
public final class EventStream {
    private static final byte[] DATA = JsonWriter.ascii("data: ");
    private static final byte[] END = JsonWriter.ascii("\n\n");
    private static final byte[] DONE = JsonWriter.ascii("data: [DONE]\n\n");
    private static final byte[] COMMENT = JsonWriter.ascii(": keep-alive\n\n");

    /// Flushed at this size even in the middle of a backlog, so that [#isFull()] is asked in time.
    private static final int FLUSH_BYTES = 16 << 10;

    private static final long NO_TIMER = -1;

    private final Exchange exchange;
    private final HttpServerResponse response;
    private final ApiOptions.Limits limits;
    private final Runnable onRoom;
    private final JsonWriter pending = new JsonWriter(1024);
    private long stallTimer = NO_TIMER;
    private long keepAliveTimer = NO_TIMER;
    private boolean silent;
    private boolean ended;

    /// `onRoom` is called on the event loop when a full stream has room again.
    public EventStream(Exchange exchange, ApiOptions.Limits limits, Runnable onRoom) {
        this.exchange = exchange;
        this.response = exchange.response();
        this.limits = limits;
        this.onRoom = onRoom;
    }

    /// Watches over the silence before and between events. The head is written with the first byte.
    public void start() {
        silent = true;
        keepAliveTimer = exchange.vertx().setPeriodic(limits.keepAlive().toMillis(), _ -> keepAlive());
    }

    public boolean hasBegun() {
        return response.headWritten();
    }

    /// Whether to wait for room.
    public boolean isFull() {
        return !ended && response.writeQueueFull();
    }

    /// Where the next event's JSON goes; [#endEvent()] follows.
    public JsonWriter event() {
        return pending.raw(DATA);
    }

    public void endEvent() {
        pending.raw(END);
        if (pending.sizeBytes() >= FLUSH_BYTES) {
            flush();
        }
    }

    /// Writes what has gathered.
    public void flush() {
        if (ended || pending.sizeBytes() == 0) {
            return;
        }
        silent = false;
        writeHead();
        response.write(pending.take()).onFailure(_ -> {}); // the exchange hears of a lost connection itself
        if (response.writeQueueFull() && stallTimer == NO_TIMER) {
            waitForRoom();
        }
    }

    /// Ends the stream as OpenAI does.
    public void done() {
        pending.raw(DONE);
        end();
    }

    /// Ends the stream with what has gathered.
    public void end() {
        if (ended) {
            return;
        }
        writeHead();
        stop();
        response.end(pending.take()).onFailure(_ -> {});
    }

    /// Lets go of timers: the client has gone.
    public void stop() {
        ended = true;
        exchange.vertx().cancelTimer(keepAliveTimer);
        exchange.vertx().cancelTimer(stallTimer);
    }

    private void writeHead() {
        if (!response.headWritten()) {
            response.setChunked(true)
                    .putHeader("content-type", "text/event-stream; charset=utf-8")
                    .putHeader("cache-control", "no-cache")
                    .putHeader("x-accel-buffering", "no"); // nginx would gather the stream
        }
    }

    private void waitForRoom() {
        Duration timeout = limits.stallTimeout();
        stallTimer = exchange.vertx().setTimer(timeout.toMillis(), _ -> exchange.cut());
        response.drainHandler(_ -> {
            exchange.vertx().cancelTimer(stallTimer);
            stallTimer = NO_TIMER;
            onRoom.run();
        });
    }

    private void keepAlive() {
        if (silent && !ended && !isFull()) {
            pending.raw(COMMENT);
            flush();
        }
        silent = true;
    }
}
