package dev.trimtab.compress.quantize;

import dev.trimtab.compress.calibration.Covariance;
import dev.trimtab.error.BadConfiguration;
import dev.trimtab.error.Unsupported;
import dev.trimtab.tensor.Encoding;
import dev.trimtab.tensor.Shape;
import dev.trimtab.tensor.Tensor;
import dev.trimtab.tensor.TensorForm;
import dev.trimtab.tensor.quantize.CodeKind.Zero;
import dev.trimtab.tensor.quantize.Quantizer;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;

/// One way to quantize a matrix: what it is kept as, and how that is chosen. Which go together:
///
/// | scheme | nearest | importance | hqq | gptq | awq |
/// |---|---|---|---|---|---|
/// | [QuantizeScheme.Codes] | yes | yes | with minimum | yes | yes |
/// | [QuantizeScheme.Blocks] | yes | yes | | | |
/// | [QuantizeScheme.Codebook] | k-means | weighted k-means | | + codes by [Gptq], centroids refined | |
/// | [QuantizeScheme.Hashed] | yes | yes | | | |
///
/// `nearest` of [QuantizeScheme.Blocks] is the encoders' search with all columns alike.
public record Quantization(QuantizeScheme scheme, Rounding rounding) {
    /// @throws BadConfiguration where they do not go together
    public Quantization {
        if (!together(scheme, rounding)) {
            throw new BadConfiguration("scheme " + scheme.name() + " with rounding " + rounding.label()
                    + ": they do not go together; " + advice(rounding));
        }
    }

    /// By the names that recipes write; `hqq{2..8}` as a scheme is `int{2..8}_asym_g64` with rounding `hqq`, whatever
    /// `rounding` says.
    ///
    /// @throws BadConfiguration for a name that is not known, and for names that do not go together
    public static Quantization of(String scheme, String rounding) {
        String codes = scheme.matches("(?i)hqq[2-8]") ? "int" + scheme.substring(3) + "_asym_g64" : scheme;
        String method = codes.equals(scheme) ? rounding : Rounding.HQQ.label();
        return new Quantization(
                QuantizeScheme.named(codes)
                        .orElseThrow(() -> new BadConfiguration(
                                "scheme " + scheme + ": one of " + QuantizeScheme.NAMES + " or hqq{2..8} expected")),
                Rounding.named(method)
                        .orElseThrow(() -> new BadConfiguration(
                                "rounding " + rounding + ": one of " + Rounding.names() + " expected")));
    }

    /// By the name of a scheme, rounded to nearest.
    public static Quantization of(String scheme) {
        return of(scheme, Rounding.NEAREST.label());
    }

    private static boolean together(QuantizeScheme scheme, Rounding rounding) {
        return switch (scheme) {
            case QuantizeScheme.Codes codes ->
                rounding != Rounding.HQQ || codes.kind().zero() == Zero.MINIMUM;
            case QuantizeScheme.Codebook _ -> rounding != Rounding.HQQ && rounding != Rounding.AWQ;
            case QuantizeScheme.Blocks _, QuantizeScheme.Hashed _ ->
                rounding == Rounding.NEAREST || rounding == Rounding.IMPORTANCE;
        };
    }

    private static String advice(Rounding rounding) {
        return switch (rounding) {
            case HQQ -> "hqq moves zero points: int{2..8}_asym expected";
            case GPTQ -> "gptq chooses codes on fixed levels: int{2..8} or codebook{k} expected";
            case AWQ -> "awq scales columns under integer codes: int{2..8} expected";
            case NEAREST, IMPORTANCE -> "another scheme expected";
        };
    }

    /// Quantizes `job`'s matrix.
    ///
    /// @throws Unsupported where its rows are no whole blocks: [QuantizeScheme#fitting] says what would hold them
    /// @throws BadConfiguration where inputs are missing, or are those of another matrix
    public Quantized quantize(QuantizeJob job) {
        int columns = job.matrix().columns();
        QuantizeScheme fitting = scheme.fitting(columns);
        if (!fitting.equals(scheme)) {
            throw new Unsupported(job.name() + ": rows of " + columns + " columns are no whole blocks of "
                    + scheme.name() + "; " + fitting.name() + " would hold them");
        }
        return switch (scheme) {
            case QuantizeScheme.Codes codes -> codes(job, codes);
            case QuantizeScheme.Blocks blocks -> Quantized.plain(blocks(job, blocks.encoding()));
            case QuantizeScheme.Codebook codebook -> Quantized.plain(codebook(job, codebook.bits()));
            case QuantizeScheme.Hashed hashed -> HashedSharing.quantize(job, hashed, importance(job));
        };
    }

    private Quantized codes(QuantizeJob job, QuantizeScheme.Codes codes) {
        return switch (rounding) {
            case NEAREST -> nearest(job, GridTable.of(job, codes, (kind, w, from, n) -> kind.extremes(w, from, n)));
            case IMPORTANCE -> nearest(job, GridTable.of(job, codes, GridTable.weighted(importance(job))));
            case HQQ -> nearest(job, GridTable.of(job, codes, HalfQuadratic::grid));
            case GPTQ -> {
                Covariance covariance = job.covariance();
                GridTable levels = GridTable.of(job, codes, GridTable.weighted(QuantizeJob.diagonal(covariance)));
                yield Quantized.plain(levels.form(job.matrix(), Gptq.round(job, levels, covariance)));
            }
            case AWQ -> {
                float[] scale = ActivationScaling.search(List.of(job.matrix()), codes, job.statistics());
                yield ActivationScaling.quantize(job, codes, scale);
            }
        };
    }

    private static Quantized nearest(QuantizeJob job, Levels levels) {
        return Quantized.plain(levels.form(job.matrix(), RowWork.nearest(job, levels)));
    }

    private TensorForm blocks(QuantizeJob job, Encoding encoding) {
        float[] importance = importance(job);
        int columns = job.matrix().columns();
        long rowBytes = encoding.sizeBytes(columns);
        byte[] bytes = new byte[Math.toIntExact(rowBytes * job.matrix().rows())];
        MemorySegment out = MemorySegment.ofArray(bytes);
        RowWork.run(job.matrix(), job.pool(), job.progress(), (from, to) -> {
            float[] row = new float[columns];
            for (int r = from; r < to; r++) {
                System.arraycopy(job.matrix().values(), r * columns, row, 0, columns);
                Quantizer.encode(encoding, row, importance, out, r * rowBytes);
            }
        });
        Shape shape = job.matrix().shape();
        return new TensorForm.Dense(new Tensor(job.name(), encoding, shape, out.asReadOnly()));
    }

    private TensorForm codebook(QuantizeJob job, int bits) {
        if (rounding != Rounding.GPTQ) {
            BookTable levels = BookTable.of(job, bits, importance(job));
            return levels.form(job.matrix(), RowWork.nearest(job, levels));
        }
        Covariance covariance = job.covariance();
        BookTable levels = BookTable.of(job, bits, QuantizeJob.diagonal(covariance));
        byte[] codes = Gptq.round(job, levels, covariance);
        levels.refine(job, codes, covariance);
        return levels.form(job.matrix(), codes);
    }

    /// How much each column matters: alike, unless the method says otherwise.
    private float[] importance(QuantizeJob job) {
        if (rounding == Rounding.IMPORTANCE) {
            return job.statistics().meanSquare();
        }
        float[] ones = new float[job.matrix().columns()];
        Arrays.fill(ones, 1);
        return ones;
    }
}
