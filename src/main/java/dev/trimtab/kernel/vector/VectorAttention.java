package dev.trimtab.kernel.vector;

import dev.trimtab.kernel.Activations;
import dev.trimtab.kernel.Kernels;
import dev.trimtab.kernel.KvLayout;
import dev.trimtab.kernel.TokenBatch;

/// Attention over KV blocks, one thread's room and its loops. Queries that share a KV head, from several
/// tokens of one sequence and from the heads of a group, pass over a block together, four to a kernel call. For
/// each query and block of 32 keys
///
///     s_j = q . k_j;  p_j = exp(s_j - m);  l = l + sum_j p_j;  o = o + sum_j p_j v_j
///
/// as [AttentionSums] has it, and at last `o / l`. The sums begin anew at every [#SPAN_TOKENS] positions and
/// are merged in order of position, so that threads can share a long sequence. Blocks and spans are those of
/// the sequence's positions: a query's numbers depend on nothing else in the batch, nor on who computed them.
/// Keys after the query or before its window have p = 0.
final class VectorAttention {
    /// Blocks of a span: a few tens of microseconds of one head's work, beside which a merge is nothing.
    private static final int SPAN_BLOCKS = 16;

    /// Positions that are summed by themselves.
    static final int SPAN_TOKENS = SPAN_BLOCKS * KvLayout.BLOCK_TOKENS;

    /// Queries that pass over a block together.
    private static final int QUERIES = 64;

    private static final int QUAD = KvBlock.QUAD;
    private static final int BLOCK_TOKENS = KvLayout.BLOCK_TOKENS;

    private final float[] scores = new float[QUAD * BLOCK_TOKENS];
    private final KvBlock.Room room = new KvBlock.Room();
    private final AttentionSums span = new AttentionSums();
    private final AttentionSums total = new AttentionSums();
    private float[] queries = {};

    /// Tokens whose queries of one KV head pass together, for `group` query heads on each.
    static int tokensTogether(int group) {
        return Math.max(1, QUERIES / group);
    }

    /// Rows of sums that `tokens` tokens' queries of one KV head take: whole quads.
    static int rows(Call call, int tokens) {
        return Math.ceilDiv(tokens * call.group(), QUAD) * QUAD;
    }

    /// The queries of `run`, over all that they see.
    void attend(Call call, Run run) {
        int headDim = call.layout().headDim();
        int rows = rows(call, run.to() - run.from());
        span.reserve(rows, headDim);
        total.reserve(rows, headDim);
        total.clear(0, rows);
        loadQueries(call, run);
        for (int i = run.firstSpan(call); i <= run.lastSpan(call); i++) {
            sumSpan(call, run, i, span, 0);
            for (int row = 0; row < run.queries(call); row++) {
                total.merge(span, row, row);
            }
        }
        for (int row = 0; row < run.queries(call); row++) {
            store(call, run, row, total, row);
        }
    }

    /// The queries of `run` over one span only: to the rows of `into` from `row` on.
    void attendSpan(Call call, Run run, int index, AttentionSums into, int row) {
        loadQueries(call, run);
        sumSpan(call, run, index, into, row);
    }

    /// Writes what row `row` of `sums` has for query `query` of `run`.
    static void store(Call call, Run run, int query, AttentionSums sums, int row) {
        int headDim = call.layout().headDim();
        int at = run.token(call, query) * call.out().stride() + run.head(call, query) * headDim;
        sums.store(row, call.out().values(), at, headDim);
    }

    private void loadQueries(Call call, Run run) {
        int headDim = call.layout().headDim();
        float scale = call.rule().scale();
        float[] values = call.query().values();
        int size = rows(call, run.to() - run.from()) * headDim;
        if (queries.length < size) {
            queries = new float[size];
        }
        for (int i = 0; i < run.queries(call); i++) {
            int from = run.token(call, i) * call.query().stride() + run.head(call, i) * headDim;
            for (int d = 0; d < headDim; d++) {
                queries[i * headDim + d] = values[from + d] * scale;
            }
        }
    }

    private void sumSpan(Call call, Run run, int index, AttentionSums into, int row) {
        TokenBatch batch = call.batch();
        int count = run.queries(call);
        into.clear(row, rows(call, run.to() - run.from()));
        var view = new KvBlock(call.layout(), batch.kv(), count, room);
        long headOffset = call.layout().headOffset(call.layer(), run.kvHead());
        int end = batch.position(run.to() - 1) + 1;
        int firstVisible = call.rule().firstVisible(batch.position(run.from()));
        int endBlock = Math.min((index + 1) * SPAN_BLOCKS, Math.ceilDiv(end, BLOCK_TOKENS));
        int firstBlock = Math.max(index * SPAN_BLOCKS, firstVisible / BLOCK_TOKENS);
        int together = view.touchedTogether();
        for (int block = firstBlock; block < endBlock; block++) {
            if ((block - firstBlock) % together == 0) {
                for (int next = block; next < Math.min(block + together, endBlock); next++) {
                    view.touch(batch.blockOffset(batch.sequence(run.from()), next) + headOffset);
                }
            }
            view.moveTo(batch.blockOffset(batch.sequence(run.from()), block) + headOffset);
            int start = block * BLOCK_TOKENS;
            for (int first = 0; first < count; first += QUAD) {
                int last = Math.min(count, first + QUAD) - 1;
                if (batch.position(run.token(call, last)) >= start) {
                    passBlock(call, run, view, first, start, Math.min(BLOCK_TOKENS, end - start), into, row + first);
                }
            }
        }
    }

    /// Four queries from `first` on over the block that begins at position `start` and holds `tokens` tokens.
    private void passBlock(
            Call call, Run run, KvBlock block, int first, int start, int tokens, AttentionSums into, int row) {
        block.score(queries, first * call.layout().headDim(), scores);
        if (call.rule().softCap() > 0) {
            VectorElementwise.softCap(scores, 0, scores.length, call.rule().softCap());
        }
        for (int i = 0; i < QUAD; i++) {
            int position = first + i < run.queries(call) ? call.batch().position(run.token(call, first + i)) : -1;
            int visible = Math.max(0, call.rule().firstVisible(position) - start);
            into.weigh(scores, i * BLOCK_TOKENS, visible, Math.min(position + 1 - start, BLOCK_TOKENS), row + i);
        }
        into.addValues(block, scores, tokens, row);
    }

    /// The query heads of KV head `kvHead` of the tokens `[from, to)`, all of one sequence; queries are
    /// numbered by token, then head.
    record Run(int kvHead, int from, int to) {
        int queries(Call call) {
            return (to - from) * call.group();
        }

        int token(Call call, int query) {
            return from + query / call.group();
        }

        int head(Call call, int query) {
            return kvHead * call.group() + query % call.group();
        }

        /// The first span that a query sees.
        int firstSpan(Call call) {
            return call.rule().firstVisible(call.batch().position(from)) / SPAN_TOKENS;
        }

        int lastSpan(Call call) {
            return call.batch().position(to - 1) / SPAN_TOKENS;
        }
    }

    /// What one call of [Kernels#attention] is about; `group` query heads share a KV head.
    record Call(
            Activations query,
            KvLayout layout,
            int layer,
            Kernels.AttentionRule rule,
            TokenBatch batch,
            Activations out,
            int group) {}
}
