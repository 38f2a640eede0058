package dev.trimtab.quality.measure;

import dev.trimtab.kernel.Activations;
import dev.trimtab.model.ForwardPass;
import dev.trimtab.quality.SequenceRun;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// A model continuing prompts greedily, each by 64 tokens or to its end: a piece of a prompt a unit, then a token
/// of each a unit.
final class GreedyReading implements AutoCloseable {
    private final MeasuredText text;
    private final ForwardPass model;
    private final SequenceRun run;
    private final int batchTokens;

    /// Prompt and continuation of each, and how much of it is there.
    private final int[][] ids;
    private final int[] lengths;
    private final boolean[] isOver;
    private int prompt;
    private int position;

    GreedyReading(ForwardPass model, MeasuredText text) {
        this.text = text;
        this.model = model;
        int count = text.prompts().size();
        int longest = text.prompts().stream().mapToInt(ids -> ids.length).max().orElse(1);
        int lengthMax = Math.min(model.contextLength(), longest + MeasuredText.CONTINUED_TOKENS);
        this.run = new SequenceRun(model, lengthMax, Math.max(1, count));
        this.batchTokens = Math.min(TextReading.BATCH_TOKENS, model.tokenCapacity());
        this.ids = new int[count][];
        this.lengths = new int[count];
        this.isOver = new boolean[count];
        for (int i = 0; i < count; i++) {
            int[] begun = text.prompts().get(i);
            ids[i] = Arrays.copyOf(begun, Math.min(lengthMax, begun.length + MeasuredText.CONTINUED_TOKENS));
            lengths[i] = begun.length;
        }
    }

    boolean isDone() {
        return prompt == ids.length && next().isEmpty();
    }

    void unit() {
        if (prompt < ids.length) {
            prefill();
        } else {
            decode(next());
        }
    }

    private void prefill() {
        int to = Math.min(lengths[prompt], position + batchTokens);
        Activations logits = run.forward(prompt, ids[prompt], position, to, lengths[prompt] - 1);
        position = to;
        if (to == lengths[prompt]) {
            append(prompt, logits, 0);
            prompt++;
            position = 0;
        }
    }

    /// The sequences that go on, as many as the model decodes at once.
    private List<Integer> next() {
        List<Integer> open = new ArrayList<>();
        int seats = Math.min(model.logitCapacity(), model.tokenCapacity());
        for (int i = 0; i < ids.length && open.size() < seats; i++) {
            if (!isOver[i]) {
                open.add(i);
            }
        }
        return open;
    }

    private void decode(List<Integer> open) {
        int[] sequences = open.stream().mapToInt(Integer::intValue).toArray();
        int[] positions = Arrays.stream(sequences).map(i -> lengths[i] - 1).toArray();
        int[] last = Arrays.stream(sequences).map(i -> ids[i][lengths[i] - 1]).toArray();
        Activations logits = run.decode(sequences, last, positions);
        for (int row = 0; row < sequences.length; row++) {
            append(sequences[row], logits, row);
        }
    }

    private void append(int sequence, Activations logits, int row) {
        if (lengths[sequence] == ids[sequence].length) {
            isOver[sequence] = true;
            return;
        }
        int id = LogitRow.top(logits.values(), row * logits.stride(), logits.columns());
        ids[sequence][lengths[sequence]++] = id;
        isOver[sequence] = lengths[sequence] == ids[sequence].length || text.ends(id);
    }

    /// What was generated, the end included.
    List<int[]> continuations() {
        List<int[]> found = new ArrayList<>();
        for (int i = 0; i < ids.length; i++) {
            found.add(Arrays.copyOfRange(ids[i], text.prompts().get(i).length, lengths[i]));
        }
        return found;
    }

    @Override
    public void close() {
        run.close();
    }
}
