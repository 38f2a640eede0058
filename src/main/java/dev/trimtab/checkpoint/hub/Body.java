package dev.trimtab.checkpoint.hub;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.http.HttpResponse.BodySubscriber;
import java.net.http.HttpTimeoutException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/// The body of an answer, pulled piece by piece; a piece that does not come in time ends it, which the JDK's
/// client by itself has no limit for once the headers are there.
///
/// One piece is asked for at a time, so that a slow disk slows the sender and fills no memory.
final class Body implements BodySubscriber<Body>, AutoCloseable {
    /// What the sender's side said.
    private sealed interface Piece {
        record Bytes(List<ByteBuffer> buffers) implements Piece {}

        record End() implements Piece {}

        record Broken(Throwable fault) implements Piece {}
    }

    private final Duration stall;
    private final BlockingQueue<Piece> pieces = new LinkedBlockingQueue<>();
    private final CompletableFuture<Flow.Subscription> subscription = new CompletableFuture<>();

    Body(Duration stall) {
        this.stall = stall;
    }

    /// The next bytes; null at the end.
    ///
    /// @throws IOException when the connection broke, or nothing came within the stall limit
    @Nullable
    List<ByteBuffer> next() throws IOException, InterruptedException {
        Piece piece = pieces.poll(stall.toNanos(), TimeUnit.NANOSECONDS);
        return switch (piece) {
            case null -> throw new HttpTimeoutException("nothing came for " + stall.toMillis() + " ms");
            case Piece.Bytes(List<ByteBuffer> buffers) -> {
                subscription.join().request(1);
                yield buffers;
            }
            case Piece.End _ -> null;
            case Piece.Broken(Throwable fault) -> throw new IOException(String.valueOf(fault.getMessage()), fault);
        };
    }

    /// All of it.
    ///
    /// @throws IOException also when it has more than `bytesMax` bytes
    byte[] all(int bytesMax) throws IOException, InterruptedException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (List<ByteBuffer> buffers = next(); buffers != null; buffers = next()) {
            for (ByteBuffer buffer : buffers) {
                byte[] bytes = new byte[buffer.remaining()];
                buffer.get(bytes);
                out.writeBytes(bytes);
            }
            if (out.size() > bytesMax) {
                throw new IOException("an answer of at most " + bytesMax + " bytes expected, found more");
            }
        }
        return out.toByteArray();
    }

    /// Lets the rest go; the connection with it.
    @Override
    public void close() {
        CompletableFuture<Void> cancelled = subscription.thenAccept(Flow.Subscription::cancel);
        assert !cancelled.isCompletedExceptionally();
    }

    @Override
    public CompletionStage<Body> getBody() {
        return CompletableFuture.completedFuture(this);
    }

    @Override
    public void onSubscribe(Flow.Subscription given) {
        subscription.complete(given);
        given.request(1);
    }

    @Override
    public void onNext(List<ByteBuffer> buffers) {
        pieces.add(new Piece.Bytes(buffers));
    }

    @Override
    public void onError(Throwable fault) {
        pieces.add(new Piece.Broken(fault));
    }

    @Override
    public void onComplete() {
        pieces.add(new Piece.End());
    }
}
