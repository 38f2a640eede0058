package dev.trimtab.quality.calibration;

import dev.trimtab.kernel.Activations;
import dev.trimtab.kernel.TokenBatch;
import dev.trimtab.model.LoadListener;
import dev.trimtab.model.Model;
import dev.trimtab.model.observe.ForwardObserver;
import dev.trimtab.quality.SequenceRun;
import dev.trimtab.quality.TextWindows;
import java.util.Optional;
import java.util.function.Function;

/// A model that reads the calibration text as often as somebody wants to hear something of it.
final class Passes implements AutoCloseable {
    /// Whether the head is computed. It costs as much as a layer or many, and only its own input needs it.
    enum Head {
        COMPUTED,
        LEFT_OUT
    }

    /// Tokens in one batch: matrices are multiplied in panels, and the logits of a large vocabulary stay small.
    static final int BATCH_TOKENS = 64;

    /// What the model's observer passes on to: one pass listens after the other.
    private static final class Relay implements ForwardObserver, LoadListener {
        private PassObserver listening = new PassObserver() {};

        @Override
        public void packed(long doneBytes, long totalBytes) {}

        @Override
        public Optional<ForwardObserver> observer() {
            return Optional.of(this);
        }

        @Override
        public void input(String name, Activations in) {
            listening.input(name, in);
        }

        @Override
        public boolean before(int layer, Half half, Activations hidden, TokenBatch batch) {
            return listening.before(layer, half, hidden, batch);
        }

        @Override
        public void after(int layer, Half half, Activations hidden, TokenBatch batch) {
            listening.after(layer, half, hidden, batch);
        }
    }

    private final Relay relay = new Relay();
    private final Model model;
    private final TextWindows text;

    /// `load` loads the model with the listener it is given.
    Passes(Function<LoadListener, Model> load, TextWindows text) {
        this.model = load.apply(relay);
        this.text = text;
    }

    int layers() {
        return model.config().numHiddenLayers();
    }

    /// Reads the text once.
    void run(PassObserver observer, Head head) {
        relay.listening = observer;
        int index = 0;
        try (SequenceRun run = new SequenceRun(model, text.longest())) {
            for (int[] window : text.windows()) {
                for (int from = 0; from < window.length; from += BATCH_TOKENS) {
                    int to = Math.min(window.length, from + BATCH_TOKENS);
                    observer.beginBatch(index++);
                    run.forward(window, from, to, head == Head.COMPUTED ? 0 : window.length);
                }
            }
        }
    }

    @Override
    public void close() {
        model.close();
    }
}
