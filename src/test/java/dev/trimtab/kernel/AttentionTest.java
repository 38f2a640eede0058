package dev.trimtab.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trimtab.kernel.Kernels.AttentionRule;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
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

    static List<KvEncodings> encodings() {
        return List.of(
                KvEncodings.F32,
                KvEncodings.F16,
                KvEncodings.alike(KvEncoding.BF16),
                KvEncodings.alike(KvEncoding.Q8),
                new KvEncodings(KvEncoding.Q8, KvEncoding.Q4),
                new KvEncodings(KvEncoding.F16, KvEncoding.Q4),
                new KvEncodings(KvEncoding.Q8, KvEncoding.F32));
    }

    static Stream<Arguments> shapes() {
        return encodings().stream()
                .flatMap(encoding -> Stream.of(
                        Arguments.of(encoding, new Shape(8, 8, 8, 0, 100)),
                        Arguments.of(encoding, new Shape(64, 8, 2, 0, AttentionRule.UNBOUNDED)),
                        Arguments.of(encoding, new Shape(80, 7, 1, 2, 33)),
                        Arguments.of(encoding, new Shape(128, 3, 3, 50, 1)),
                        Arguments.of(encoding, new Shape(33, 5, 1, 0, 64)),
                        Arguments.of(encoding, new Shape(256, 6, 2, 0, AttentionRule.UNBOUNDED))));
    }

    /// Sizes, and how scores become weights.
    record Shape(int headDim, int heads, int kvHeads, float softCap, int window) {
        AttentionRule rule() {
            return new AttentionRule((float) (1 / Math.sqrt(headDim)), softCap, window);
        }
    }

    @ParameterizedTest
    @MethodSource("shapes")
    void attendsLikeTheScalarTwin(KvEncodings encoding, Shape shape) {
        var scalar = new Story(Kernels.scalar(pool), encoding, shape);
        var vector = new Story(Kernels.vector(pool), encoding, shape);

        Activations expected = scalar.prefill(0, Story.LENGTH);
        Activations actual = vector.prefill(0, Story.LENGTH);

        float tolerance = (float) (2e-6 * Math.sqrt(Math.max(1, shape.headDim() / 128.0)));
        VectorKernelsTest.assertClose(actual, expected, tolerance);
    }

    @ParameterizedTest
    @MethodSource("shapes")
    void givesTokenSameBitsHoweverSequenceIsCut(KvEncodings encoding, Shape shape) {
        var whole = new Story(Kernels.vector(pool), encoding, shape);
        Activations expected = whole.prefill(0, Story.LENGTH);

        for (int chunk : new int[] {1, 5, 32, 50}) {
            var cut = new Story(Kernels.vector(alone), encoding, shape);
            for (int from = 0; from < Story.LENGTH; from += chunk) {
                int to = Math.min(from + chunk, Story.LENGTH);
                VectorKernelsTest.assertSameBits(cut.prefill(from, to), 0, expected, from, to - from);
            }
        }
    }

    @Test
    void givesTokenSameBitsBesideOtherSequences() {
        var story = new Story(Kernels.vector(pool), KvEncodings.F16, new Shape(64, 8, 2, 0, 90));
        Activations expected = story.prefill(0, Story.LENGTH);

        Activations decoded = story.decodeBeside(70, 100);

        VectorKernelsTest.assertSameBits(decoded, 0, expected, 70, 1);
        VectorKernelsTest.assertSameBits(decoded, 1, expected, 100, 1);
    }

    /// Positions enough for several spans, which two threads share while one thread takes them in turn.
    @ParameterizedTest
    @MethodSource("encodings")
    void givesTokenSameBitsOverManySpans(KvEncodings encoding) {
        int length = 1200;
        for (int window : new int[] {AttentionRule.UNBOUNDED, 700}) {
            var shape = new Shape(48, 4, 2, 0, window);
            var scalar = new Story(Kernels.scalar(pool), encoding, shape, length);
            var shared = new Story(Kernels.vector(pool), encoding, shape, length);
            var single = new Story(Kernels.vector(alone), encoding, shape, length);
            scalar.store(0, length);

            Activations expected = single.prefill(0, length);
            shared.store(0, length);

            Activations last = Sample.only(expected, length - 3, 3);
            VectorKernelsTest.assertClose(last, scalar.prefill(length - 3, length), 2e-6f);
            for (int position : new int[] {0, 511, 512, 1023, 1150, length - 1}) {
                VectorKernelsTest.assertSameBits(shared.prefill(position, position + 1), 0, expected, position, 1);
                VectorKernelsTest.assertSameBits(single.prefill(position, position + 1), 0, expected, position, 1);
            }
            Activations decoded = shared.decodeBeside(500, 1100);
            VectorKernelsTest.assertSameBits(decoded, 0, expected, 500, 1);
            VectorKernelsTest.assertSameBits(decoded, 1, expected, 1100, 1);
        }
    }

    /// What is no number must reach who looks for it, though codes cannot hold it: a scale can.
    @Test
    void passesOnWhatIsNoNumber() {
        for (Kernels kernels : List.of(Kernels.scalar(pool), Kernels.vector(pool))) {
            for (KvEncoding values : List.of(KvEncoding.F32, KvEncoding.Q8, KvEncoding.Q4)) {
                var encodings = new KvEncodings(KvEncoding.Q8, values);
                var story = new Story(kernels, encodings, new Shape(64, 2, 1, 0, AttentionRule.UNBOUNDED));
                story.values.values()[40 * story.values.stride() + 3] = Float.NaN;

                Activations attended = story.prefill(0, Story.LENGTH);

                for (int token : new int[] {0, 39, 40, 41, Story.LENGTH - 1}) {
                    assertThat(attended.values()[token * attended.stride() + 3])
                            .matches(x -> Float.isNaN(x) == (token >= 40), "NaN from token 40 on");
                }
            }
        }
    }

    /// With a window of one a query sees its own position's value, and nothing else.
    @Test
    void seesExactlyItsWindow() {
        for (Kernels kernels : List.of(Kernels.scalar(pool), Kernels.vector(pool))) {
            var story = new Story(kernels, KvEncodings.F32, new Shape(8, 2, 2, 0, 1));

            Activations attended = story.prefill(0, Story.LENGTH);

            VectorKernelsTest.assertClose(attended, story.values, 1e-6f);
        }
    }

    /// One sequence of random queries, keys and values, in shuffled KV blocks full of NaN where nothing was
    /// stored.
    private final class Story {
        static final int LENGTH = 137;

        private final Kernels kernels;
        private final AttentionRule rule;
        private final KvLayout layout;
        private final Activations queries;
        private final Activations keys;
        private final Activations values;
        private final long[] blocks;
        private final TokenBatch batch;

        Story(Kernels kernels, KvEncodings encoding, Shape shape) {
            this(kernels, encoding, shape, LENGTH);
        }

        Story(Kernels kernels, KvEncodings encoding, Shape shape, int length) {
            this.kernels = kernels;
            this.rule = shape.rule();
            this.layout = new KvLayout(encoding, shape.headDim(), Collections.nCopies(LAYERS, shape.kvHeads()));
            this.queries = Sample.activations(length, shape.heads() * shape.headDim(), 1);
            this.keys = Sample.activations(length, shape.kvHeads() * shape.headDim(), 2);
            this.values = Sample.activations(length, shape.kvHeads() * shape.headDim(), 3);
            this.blocks = new long[length / KvLayout.BLOCK_TOKENS + 2];
            var kv = arena.allocate(layout.blockBytes() * blocks.length, 64);
            kv.fill((byte) 0xff);
            this.batch = new TokenBatch(kv, length, 4);
            var order =
                    new ArrayList<>(IntStream.range(0, blocks.length).boxed().toList());
            Collections.shuffle(order, new Random(4));
            for (int i = 0; i < blocks.length; i++) {
                blocks[i] = order.get(i) * layout.blockBytes();
            }
        }

        Activations prefill(int from, int to) {
            store(from, to);
            return attend(Sample.only(queries, from, to - from));
        }

        void store(int from, int to) {
            batch.clear();
            batch.addSequence(blocks);
            for (int position = from; position < to; position++) {
                batch.addToken(0, position);
            }
            kernels.storeKv(Sample.only(keys, from, to - from), Sample.only(values, from, to - from), layout, 1, batch);
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
            kernels.attention(query, layout, 1, rule, batch, out);
            return out;
        }
    }
}
