package dev.trimtab.kernel.vector;

import dev.trimtab.kernel.ComputePool;
import dev.trimtab.kernel.TokenBatch;
import dev.trimtab.kernel.vector.VectorAttention.Call;
import dev.trimtab.kernel.vector.VectorAttention.Run;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Attention's work cut for the threads of a pool: by KV head and tokens, and where those are too few for the
/// threads, by spans of positions as well. How it is cut changes no number.
final class SharedAttention {
    /// Pieces of work for each thread, so that one that ends last keeps the others waiting for little.
    private static final int UNITS_PER_THREAD = 8;

    private final ComputePool pool;
    private final VectorAttention[] rooms;

    /// Sums of spans, and of all spans of a query: used by one call at a time.
    private final AttentionSums spanSums = new AttentionSums();

    private final AttentionSums total = new AttentionSums();

    SharedAttention(ComputePool pool) {
        this.pool = pool;
        this.rooms = new VectorAttention[pool.threads()];
        Arrays.setAll(rooms, _ -> new VectorAttention());
    }

    void attend(Call call) {
        int tokens = call.query().tokens();
        int kvHeads = call.layout().kvHeads(call.layer());
        int wanted = pool.threads() * UNITS_PER_THREAD;
        if (pool.threads() > 1 && tokens * kvHeads < wanted) {
            attendSpans(call, runs(call.batch(), tokens, kvHeads));
            return;
        }
        int together = Math.clamp(tokens * kvHeads / wanted, 1, VectorAttention.tokensTogether(call.group()));
        pool.run(Math.ceilDiv(tokens, together) * kvHeads, 1, (from, to) -> {
            for (int unit = from; unit < to; unit++) {
                int first = unit / kvHeads * together;
                attendTokens(call, unit % kvHeads, first, Math.min(first + together, tokens));
            }
        });
    }

    /// Splits `[from, to)` where a sequence ends.
    private void attendTokens(Call call, int kvHead, int from, int to) {
        for (int first = from; first < to; ) {
            int end = endOfSequence(call.batch(), first, to);
            rooms[ComputePool.worker()].attend(call, new Run(kvHead, first, end));
            first = end;
        }
    }

    /// The tokens `[0, tokens)`, a run for each sequence and KV head.
    private static List<Run> runs(TokenBatch batch, int tokens, int kvHeads) {
        var runs = new ArrayList<Run>();
        for (int first = 0; first < tokens; ) {
            int end = endOfSequence(batch, first, tokens);
            for (int head = 0; head < kvHeads; head++) {
                runs.add(new Run(head, first, end));
            }
            first = end;
        }
        return runs;
    }

    private static int endOfSequence(TokenBatch batch, int first, int to) {
        int end = first + 1;
        while (end < to && batch.sequence(end) == batch.sequence(first)) {
            end++;
        }
        return end;
    }

    private synchronized void attendSpans(Call call, List<Run> runs) {
        int spans = 0;
        int rows = 0;
        for (Run run : runs) {
            spans = Math.max(spans, run.lastSpan(call) - run.firstSpan(call) + 1);
            rows = Math.max(rows, VectorAttention.rows(call, run.to() - run.from()));
        }
        int spansEach = spans;
        int rowsEach = rows;
        spanSums.reserve(runs.size() * spans * rows, call.layout().headDim());
        pool.run(runs.size() * spans, 1, (from, to) -> {
            for (int unit = from; unit < to; unit++) {
                Run run = runs.get(unit / spansEach);
                int span = run.firstSpan(call) + unit % spansEach;
                if (span <= run.lastSpan(call)) {
                    rooms[ComputePool.worker()].attendSpan(call, run, span, spanSums, unit * rowsEach);
                }
            }
        });
        for (int i = 0; i < runs.size(); i++) {
            mergeSpans(call, runs.get(i), i * spans * rows, rows);
        }
    }

    private void mergeSpans(Call call, Run run, int firstRow, int rowsEach) {
        total.reserve(1, call.layout().headDim());
        int spans = run.lastSpan(call) - run.firstSpan(call) + 1;
        for (int query = 0; query < run.queries(call); query++) {
            total.clear(0, 1);
            for (int i = 0; i < spans; i++) {
                total.merge(spanSums, firstRow + i * rowsEach + query, 0);
            }
            VectorAttention.store(call, run, query, total, 0);
        }
    }
}
