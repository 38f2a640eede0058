package dev.trimtab.quality.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.trimtab.SharedData;
import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.checkpoint.TestCheckpoints;
import dev.trimtab.checkpoint.cache.CachedFile;
import dev.trimtab.error.InvalidRequest;
import dev.trimtab.kernel.ActivationPrecision;
import dev.trimtab.kernel.ComputePool;
import dev.trimtab.kernel.Kernels;
import dev.trimtab.kernel.KvEncodings;
import dev.trimtab.kernel.PackedFormat;
import dev.trimtab.model.LoadListener;
import dev.trimtab.model.Model;
import dev.trimtab.model.ModelLoader;
import dev.trimtab.model.WeightFormats;
import dev.trimtab.quality.SequenceRun;
import dev.trimtab.quality.measure.MeasuredText.Chunk;
import dev.trimtab.tokenizer.Tokenizer;
import dev.trimtab.tokenizer.Tokenizer.ControlTokens;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MeasuringTest {
    private static final Path DEMO = Path.of("src/main/resources/models/demo.gguf");

    @TempDir
    private Path folder;

    private final ComputePool pool = new ComputePool(2);
    private final AtomicLong nanos = new AtomicLong();

    @AfterEach
    void close() {
        pool.close();
    }

    private Model load(Checkpoint checkpoint, PackedFormat format) {
        var options =
                new ModelLoader.Options(WeightFormats.uniform(format), ActivationPrecision.FLOAT32, KvEncodings.F32);
        return ModelLoader.load(
                checkpoint,
                new ModelLoader.Packing(Kernels.best(pool)),
                options,
                new Model.Capacity(64, 48),
                LoadListener.NONE);
    }

    private static Teacher teacher(Model base, MeasuredText text) {
        try (Teacher.Recording recording = new Teacher.Recording(base, text)) {
            while (!recording.isDone()) {
                recording.unit();
            }
            return recording.result();
        }
    }

    private Measurement measure(Model variant, MeasuredText text, Teacher teacher) {
        var subject = new Measuring.Subject(variant, variant.weightBytes(), text, teacher);
        try (Measuring measuring = new Measuring(subject, () -> nanos.addAndGet(1_000_000))) {
            return measuring.now();
        }
    }

    private static String words(int count) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < count; i++) {
            text.append("word ").append(i * 7 % 13).append(i % 5 == 0 ? ".\n" : " ");
        }
        return text.toString();
    }

    @Test
    void findsNothingBetweenModelAndItself() {
        try (Checkpoint checkpoint = TestCheckpoints.llama().open();
                Model model = load(checkpoint, PackedFormat.F32)) {
            MeasuredText text = MeasuredText.chunked(
                    Tokenizer.of(checkpoint.metadata()), words(200), ControlTokens.AS_TEXT, 100, 1000);

            Measurement found = measure(model, text, teacher(model, text));

            assertThat(found.distance().mean()).isEqualTo(new Estimate(0, 0));
            assertThat(found.distance().max()).isZero();
            assertThat(found.sameTop()).isEqualTo(new Estimate(1, 0));
            assertThat(found.quality()).isEqualTo(1);
            assertThat(found.perplexity().logRatio()).isEqualTo(new Estimate(0, 0));
            assertThat(found.perplexity().ratio()).isEqualTo(1);
            assertThat(found.shift().genMatch()).isEqualTo(1);
            assertThat(found.shift().flips()).isZero();
            assertThat(found.shift().deltaRms()).isZero();
            assertThat(found.shift().acceptance()).isCloseTo(1, within(1e-9));
            assertThat(found.cost().bytes()).isEqualTo(model.weightBytes());
            assertThat(found.cost().decodeTps()).isCloseTo(1000, within(1e-6));
            assertThat(found.cost().prefillTps()).isCloseTo(64_000, within(1e-3));
        }
    }

    /// Against all logits of both models, in float64, token by token.
    @Test
    void findsWhatBruteForceFinds() {
        try (Checkpoint checkpoint = TestCheckpoints.llama().open();
                Model base = load(checkpoint, PackedFormat.F32);
                Model variant = load(checkpoint, PackedFormat.INT2)) {
            MeasuredText text = MeasuredText.chunked(
                    Tokenizer.of(checkpoint.metadata()), words(200), ControlTokens.AS_TEXT, 90, 1000);

            Measurement found = measure(variant, text, teacher(base, text));

            double divergence = 0;
            double ratio = 0;
            double nats = 0;
            int same = 0;
            List<Double> all = new ArrayList<>();
            for (Chunk chunk : text.chunks()) {
                double[][] p = logProbabilities(base, chunk);
                double[][] q = logProbabilities(variant, chunk);
                for (int t = chunk.firstScored() - 1; t < chunk.ids().length - 1; t++) {
                    int next = chunk.ids()[t + 1];
                    double kl = 0;
                    for (int i = 0; i < p[t].length; i++) {
                        kl += Math.exp(p[t][i]) * (p[t][i] - q[t][i]);
                    }
                    all.add(kl);
                    divergence += kl;
                    nats -= p[t][next];
                    ratio += p[t][next] - q[t][next];
                    same += top(p[t]) == top(q[t]) ? 1 : 0;
                }
            }
            int n = all.size();
            assertThat(found.sample().tokens()).isEqualTo(n);
            assertThat(found.sample().context()).isEqualTo(90);
            assertThat(found.distance().mean().value())
                    .isCloseTo(divergence / n, within(1e-9))
                    .isGreaterThan(1e-4);
            assertThat(found.distance().max())
                    .isCloseTo(
                            all.stream().mapToDouble(Double::doubleValue).max().orElseThrow(), within(1e-9));
            assertThat(found.sameTop().value()).isCloseTo((double) same / n, within(1e-12));
            assertThat(found.perplexity().base().value()).isCloseTo(Math.exp(nats / n), within(1e-6));
            assertThat(found.perplexity().logRatio().value()).isCloseTo(ratio / n, within(1e-9));
        }
    }

    private static double[][] logProbabilities(Model model, Chunk chunk) {
        double[][] all = new double[chunk.ids().length][];
        try (SequenceRun run = new SequenceRun(model, chunk.ids().length)) {
            for (int t = 0; t < all.length; t++) {
                var logits = run.forward(chunk.ids(), t, t + 1, 0);
                double[] row = new double[logits.columns()];
                double sum = 0;
                for (int i = 0; i < row.length; i++) {
                    row[i] = logits.values()[i];
                    sum += Math.exp(row[i]);
                }
                double logSum = Math.log(sum);
                Arrays.setAll(row, i -> row[i] - logSum);
                all[t] = row;
            }
        }
        return all;
    }

    private static int top(double[] row) {
        int top = 0;
        for (int i = 1; i < row.length; i++) {
            top = row[i] > row[top] ? i : top;
        }
        return top;
    }

    @Test
    void findsTheTrainedModelNearItsQuantizations() {
        try (Checkpoint checkpoint = Checkpoint.open(DEMO);
                Model base = load(checkpoint, PackedFormat.F16);
                Model fine = load(checkpoint, PackedFormat.INT8);
                Model coarse = load(checkpoint, PackedFormat.INT3)) {
            Tokenizer tokenizer = Tokenizer.of(checkpoint.metadata());
            String chat = """
                    <|im_start|>user
                    What is the capital of Norway?<|im_end|>
                    <|im_start|>assistant
                    The capital of Norway is Oslo.<|im_end|>
                    """;
            MeasuredText text = MeasuredText.documents(tokenizer, List.of(chat, chat + chat), 512, 1000);
            Teacher teacher = teacher(base, text);

            Measurement near = measure(fine, text, teacher);
            Measurement far = measure(coarse, text, teacher);

            assertThat(near.distance().mean().value())
                    .isBetween(0.0, 0.001)
                    .isLessThan(far.distance().mean().value());
            assertThat(near.shift().genMatch())
                    .isGreaterThanOrEqualTo(far.shift().genMatch());
            assertThat(near.shift().acceptance()).isGreaterThan(far.shift().acceptance());
            assertThat(near.cost().bytes()).isGreaterThan(far.cost().bytes());
        }
    }

    /// llama.cpp's number (`models/reference_outputs.json`), context 128.
    @Test
    void givesLlamaCppsPerplexity() throws IOException {
        Path file = SharedData.path("models/stories260K/stories260Ktok512.gguf");
        String story = Files.readString(SharedData.path("text/tinystories/ppl_ascii_200.txt"));
        try (Checkpoint checkpoint = Checkpoint.open(file);
                Model model = load(checkpoint, PackedFormat.F32)) {
            MeasuredText text = MeasuredText.chunked(
                    Tokenizer.of(checkpoint.metadata()), story, ControlTokens.AS_TEXT, 128, Integer.MAX_VALUE);

            Measurement found = measure(model, text, teacher(model, text));

            assertThat(found.perplexity().variant().value()).isCloseTo(5.1845, within(0.005));
        }
    }

    @Test
    void keepsTheTeacherOnDiskBitByBit() throws IOException {
        try (Checkpoint checkpoint = TestCheckpoints.llama().open();
                Model model = load(checkpoint, PackedFormat.F32)) {
            MeasuredText text = MeasuredText.chunked(
                    Tokenizer.of(checkpoint.metadata()), words(100), ControlTokens.AS_TEXT, 64, 300);
            Teacher made = teacher(model, text);
            CachedFile file = Teacher.file(folder, "weights", text);
            assertThat(Teacher.in(file, text)).isEmpty();

            file.write(made.toBytes());

            Teacher read = Teacher.in(file, text).orElseThrow();
            assertThat(read.toBytes()).isEqualTo(made.toBytes());
            assertThat(Teacher.file(folder, "other weights", text).path()).isNotEqualTo(file.path());
            assertIsIgnoredWhereverItIsBroken(file, text);
        }
    }

    private static void assertIsIgnoredWhereverItIsBroken(CachedFile file, MeasuredText text) throws IOException {
        byte[] whole = Files.readAllBytes(file.path());
        for (int at = 0; at < whole.length; at += 1 + whole.length / 61) {
            byte[] broken = whole.clone();
            broken[at] ^= 1;
            Files.write(file.path(), broken);
            assertThat(Teacher.in(file, text)).as("byte " + at).isEmpty();
            Files.write(file.path(), Arrays.copyOf(whole, at));
            assertThat(Teacher.in(file, text)).as("cut at " + at).isEqualTo(Optional.empty());
        }
    }

    /// A file with the right checksum may still lie.
    @Test
    void ignoresTeachersOfAnotherText() {
        try (Checkpoint checkpoint = TestCheckpoints.llama().open();
                Model model = load(checkpoint, PackedFormat.F32)) {
            Tokenizer tokenizer = Tokenizer.of(checkpoint.metadata());
            MeasuredText text = MeasuredText.chunked(tokenizer, words(100), ControlTokens.AS_TEXT, 64, 300);
            MeasuredText shorter = MeasuredText.chunked(tokenizer, words(100), ControlTokens.AS_TEXT, 64, 130);
            CachedFile file = Teacher.file(folder, "weights", text);
            file.write(teacher(model, shorter).toBytes());

            assertThat(Teacher.in(file, text)).isEmpty();
        }
    }

    @Test
    void cutsTextsAsLlamaPerplexityDoes() {
        try (Checkpoint checkpoint = TestCheckpoints.llama().open()) {
            Tokenizer tokenizer = Tokenizer.of(checkpoint.metadata());

            MeasuredText whole = MeasuredText.chunked(tokenizer, words(600), ControlTokens.AS_TEXT, 128, 700);
            MeasuredText small = MeasuredText.chunked(tokenizer, "a short text", ControlTokens.AS_TEXT, 512, 700);

            assertThat(whole.chunks()).hasSize(5).allMatch(chunk -> chunk.ids().length == 128);
            assertThat(whole.scored()).isEqualTo(5 * 63);
            assertThat(small.chunks()).hasSize(1);
            assertThatThrownBy(() -> MeasuredText.chunked(tokenizer, "", ControlTokens.AS_TEXT, 512, 700))
                    .isInstanceOf(InvalidRequest.class);
        }
    }

    @Test
    void comparesContinuationsByTheirCommonBeginning() {
        List<int[]> base = List.of(new int[] {1, 2, 3, 4}, new int[] {5, 6}, new int[] {7});
        List<int[]> variant = List.of(new int[] {1, 2, 9, 4}, new int[] {5, 6, 7, 8}, new int[] {7});

        assertThat(Measuring.genMatch(base, variant)).isCloseTo((0.5 + 0.5 + 1) / 3, within(1e-12));
    }
}
