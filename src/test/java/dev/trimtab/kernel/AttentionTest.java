package dev.trimtab.kernel;

import java.lang.foreign.Arena;
import java.util.Collections;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/// Paged attention and the KV cache: vector against scalar, and the same bits however a sequence is cut.
class AttentionTest {
    private static final int LAYERS = 2;

    private final ComputePool pool = new ComputePool(2);
    private final ComputePool alone = new ComputePool(1);
    private final Arena arena = Arena.ofShared();

    @AfterEach
    void close() {
        arena.close();
        pool.close();
        alone.close();
    }

    static Stream<Arguments> shapes() {
        return Stream.of(KvEncoding.values())
                .flatMap(encoding -> Stream.of(
                        Arguments.of(encoding, 8, 8, 8),
                        Arguments.of(encoding, 64, 8, 2),
                        Arguments.of(encoding, 80, 7, 1),
                        Arguments.of(encoding, 128, 3, 3)));
    }

    @ParameterizedTest
    @MethodSource("shapes")
    void attendsLikeTheScalarTwin(KvEncoding encoding, int headDim, int heads, int kvHeads) {
        var scalar = new Story(Kernels.scalar(pool), encoding, headDim, heads, kvHeads);
        var vector = new Story(Kernels.vector(pool), encoding, headDim, heads, kvHeads);

        Activations expected = scalar.prefill(0, Story.LENGTH);
        Activations actual = vector.prefill(0, Story.LENGTH);

        VectorKernelsTest.assertClose(actual, expected, 2e-6f);
    }

    @ParameterizedTest
    @MethodSource("shapes")
    void givesTokenSameBitsHoweverSequenceIsCut(KvEncoding encoding, int headDim, int heads, int kvHeads) {
        var whole = new Story(Kernels.vector(pool), encoding, headDim, heads, kvHeads);
        Activations expected = whole.prefill(0, Story.LENGTH);

        for (int chunk : new int[] {1, 5, 32, 50}) {
            var cut = new Story(Kernels.vector(alone), encoding, headDim, heads, kvHeads);
            for (int from = 0; from < Story.LENGTH; from += chunk) {
                int to = Math.min(from + chunk, Story.LENGTH);
                VectorKernelsTest.assertSameBits(cut.prefill(from, to), 0, expected, from, to - from);
            }
        }
    }

    @Test
    void givesTokenSameBitsBesideOtherSequences() {
        var story = new Story(Kernels.vector(pool), KvEncoding.F16, 64, 8, 2);
        Activations expected = story.prefill(0, Story.LENGTH);

        Activations decoded = story.decodeBeside(70, 100);

        VectorKernelsTest.assertSameBits(decoded, 0, expected, 70, 1);
        VectorKernelsTest.assertSameBits(decoded, 1, expected, 100, 1);
    }

    /// One sequence of random queries, keys and values, in shuffled KV blocks full of NaN where nothing was
    /// stored.
    private final class Story {
        static final int LENGTH = 137;
        static final int BLOCKS = 6;

        private final Kernels kernels;
        private final KvLayout layout;
        private final Activations queries;
        private final Activations keys;
        private final Activations values;
        private final long[] blocks = new long[BLOCKS];
        private final TokenBatch batch;

        Story(Kernels kernels, KvEncoding encoding, int headDim, int heads, int kvHeads) {
            this.kernels = kernels;
            this.layout = new KvLayout(encoding, headDim, Collections.nCopies(LAYERS, kvHeads));
            this.queries = Sample.activations(LENGTH, heads * headDim, 1);
            this.keys = Sample.activations(LENGTH, kvHeads * headDim, 2);
            this.values = Sample.activations(LENGTH, kvHeads * headDim, 3);
            var kv = arena.allocate(layout.blockBytes() * BLOCKS, 64);
            kv.fill((byte) 0xff);
            this.batch = new TokenBatch(kv, LENGTH, 4);
            var order = new java.util.ArrayList<Integer>(java.util.List.of(0, 1, 2, 3, 4, 5));
            Collections.shuffle(order, new Random(4));
            for (int i = 0; i < BLOCKS; i++) {
                blocks[i] = order.get(i) * layout.blockBytes();
            }
        }

        Activations prefill(int from, int to) {
            batch.clear();
            batch.addSequence(blocks);
            for (int position = from; position < to; position++) {
                batch.addToken(0, position);
            }
            kernels.storeKv(Sample.only(keys, from, to - from), Sample.only(values, from, to - from), layout, 1, batch);
            return attend(Sample.only(queries, from, to - from));
        }

        /// Tokens at two positions of what is stored, as if of two sequences that share their blocks.
        Activations decodeBeside(int first, int second) {
            batch.clear();
            batch.addSequence(blocks);
            batch.addToken(0, first);
            batch.addSequence(blocks.clone());
            batch.addToken(0, second);
            var query = new Activations(2, queries.columns());
            query.reset(2);
            System.arraycopy(queries.values(), first * query.stride(), query.values(), 0, query.stride());
            System.arraycopy(queries.values(), second * query.stride(), query.values(), query.stride(), query.stride());
            return attend(query);
        }

        private Activations attend(Activations query) {
            var out = new Activations(query.tokens(), query.columns());
            float scale = (float) (1 / Math.sqrt(layout.headDim()));
            kernels.attention(query, layout, 1, scale, batch, out);
            return out;
        }
    }
}
