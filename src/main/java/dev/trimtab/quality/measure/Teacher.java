package dev.trimtab.quality.measure;

import dev.trimtab.checkpoint.cache.CachedFile;
import dev.trimtab.checkpoint.cache.Digest;
import dev.trimtab.checkpoint.io.ByteReader;
import dev.trimtab.checkpoint.io.ByteWriter;
import dev.trimtab.engine.background.BackgroundWork;
import dev.trimtab.model.ForwardPass;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// What the base says of a text, kept so that it need not be loaded for each variant: of every scored token the
/// logarithm of its softmax's sum, the logit of the token that came, the 512 largest logits with their ids, falling;
/// and how it continues the prompts. On disk ([CachedFile]):
///
/// 1. u64 vocabulary, u64 tokens, u64 logits kept of each;
/// 2. for each token: f64 sum, f32 logit of the token, then the ids (i32) and logits (f32);
/// 3. u64 continuations; of each u64 length and ids (i32).
///
/// The rest of a distribution counts as one bucket, which makes KL a little too small: by
/// `P KL(p | rest || q | rest)`, P the mass of the rest, usually below a thousandth.
///
/// @param ids `[tokens, kept]`
/// @param logits `[tokens, kept]`
@SuppressWarnings("ArrayRecordComponent")
public record Teacher(
        int vocabSize, int kept, double[] logSums, float[] own, int[] ids, float[] logits, List<int[]> continuations) {
    /// More is noise: at 512 the rest of a trained model's distribution is under a thousandth.
    static final int KEPT_MAX = 512;

    private static final int VERSION = 1;
    private static final int VOCABULARY_MAX = 1 << 24;
    private static final int CONTINUATIONS_MAX = 1 << 10;

    public Teacher {
        assert ids.length == logits.length && ids.length == logSums.length * kept : ids.length;
        assert own.length == logSums.length : own.length;
        continuations = List.copyOf(continuations);
    }

    int tokens() {
        return logSums.length;
    }

    /// Where the teacher of `text` is kept, of weights whose digest is `checkpoint` (computed exactly).
    public static CachedFile file(Path folder, String checkpoint, MeasuredText text) {
        String digest = new Digest("teacher", VERSION)
                .add(checkpoint)
                .add(text.digest())
                .hex();
        return new CachedFile(folder, "teacher", digest);
    }

    /// The one in `file` for `text`; empty where there is none or, after a warning, where it is corrupt.
    public static Optional<Teacher> in(CachedFile file, MeasuredText text) {
        return file.read(in -> read(in, text));
    }

    public byte[] toBytes() {
        ByteWriter out = new ByteWriter();
        out.int64(vocabSize).int64(tokens()).int64(kept);
        for (int token = 0; token < tokens(); token++) {
            out.int64(Double.doubleToRawLongBits(logSums[token])).int32(Float.floatToRawIntBits(own[token]));
            for (int i = token * kept; i < (token + 1) * kept; i++) {
                out.int32(ids[i]).int32(Float.floatToRawIntBits(logits[i]));
            }
        }
        out.int64(continuations.size());
        for (int[] continuation : continuations) {
            out.int64(continuation.length);
            for (int id : continuation) {
                out.int32(id);
            }
        }
        return out.toBytes();
    }

    private static Teacher read(ByteReader in, MeasuredText text) {
        int vocabSize = Math.toIntExact(expect(in, "vocabulary", in.int64("vocabulary"), 1, VOCABULARY_MAX));
        int tokens = in.count("tokens", MeasuredText.SCORED_MAX, Long.BYTES);
        expect(in, "tokens", tokens, text.scored(), text.scored());
        int kept = Math.min(vocabSize, KEPT_MAX);
        expect(in, "logits kept", in.int64("logits kept"), kept, kept);
        expect(in, "bytes", in.remaining() / (12 + 8L * kept), tokens, Long.MAX_VALUE);
        Teacher teacher = new Teacher(
                vocabSize,
                kept,
                new double[tokens],
                new float[tokens],
                new int[tokens * kept],
                new float[tokens * kept],
                List.of());
        for (int token = 0; token < tokens; token++) {
            teacher.logSums[token] = finite(in, Double.longBitsToDouble(in.int64("sum")));
            teacher.own[token] = (float) finite(in, Float.intBitsToFloat(in.int32("logit")));
            for (int i = token * kept; i < (token + 1) * kept; i++) {
                teacher.ids[i] = (int) expect(in, "id", in.int32("id"), 0, vocabSize - 1L);
                teacher.logits[i] = (float) finite(in, Float.intBitsToFloat(in.int32("logit")));
            }
        }
        return teacher.with(continuations(in, text));
    }

    private static List<int[]> continuations(ByteReader in, MeasuredText text) {
        List<int[]> found = new ArrayList<>();
        int count = in.count("continuations", CONTINUATIONS_MAX, Long.BYTES);
        expect(in, "continuations", count, text.prompts().size(), text.prompts().size());
        for (int i = 0; i < count; i++) {
            int[] ids = new int[in.count("continuation", MeasuredText.CONTINUED_TOKENS, Integer.BYTES)];
            for (int j = 0; j < ids.length; j++) {
                ids[j] = in.int32("continuation");
            }
            found.add(ids);
        }
        return found;
    }

    private Teacher with(List<int[]> found) {
        return new Teacher(vocabSize, kept, logSums, own, ids, logits, found);
    }

    private static long expect(ByteReader in, String what, long found, long min, long max) {
        if (found < min || found > max) {
            throw in.mismatch(what, min == max ? min : min + ".." + max, found);
        }
        return found;
    }

    private static double finite(ByteReader in, double value) {
        if (!Double.isFinite(value)) {
            throw in.mismatch("logits", "finite numbers", value);
        }
        return value;
    }

    /// Has the base read the text and continue the prompts; a batch a unit.
    public static final class Recording implements BackgroundWork {
        private final Teacher made;
        private final TextReading reading;
        private final GreedyReading greedy;
        private int token;

        /// `model` is the base, and must stay until the work is closed.
        ///
        /// @throws dev.trimtab.error.InvalidRequest when the text's chunks are longer than the model's context
        public Recording(ForwardPass model, MeasuredText text) {
            int tokens = text.scored();
            int kept = Math.min(KEPT_MAX, model.vocabSize());
            this.made = new Teacher(
                    model.vocabSize(),
                    kept,
                    new double[tokens],
                    new float[tokens],
                    new int[Math.multiplyExact(tokens, kept)],
                    new float[tokens * kept],
                    List.of());
            this.reading = new TextReading(model, text);
            this.greedy = new GreedyReading(model, text);
        }

        @Override
        public boolean isDone() {
            return reading.isDone() && greedy.isDone();
        }

        @Override
        public void unit() {
            if (reading.isDone()) {
                greedy.unit();
            } else {
                reading.unit(this::keep);
            }
        }

        private void keep(int chunk, int next, float[] row, int at) {
            made.logSums[token] = TokenComparison.checked(LogitRow.logSum(row, at, made.vocabSize), "the base's");
            made.own[token] = row[at + next];
            int[] largest = LogitRow.largest(row, at, made.vocabSize, made.kept);
            for (int i = 0; i < made.kept; i++) {
                made.ids[token * made.kept + i] = largest[i];
                made.logits[token * made.kept + i] = row[at + largest[i]];
            }
            token++;
        }

        /// Once it is done.
        public Teacher result() {
            return made.with(greedy.continuations());
        }

        @Override
        public void close() {
            reading.close();
            greedy.close();
        }
    }
}
