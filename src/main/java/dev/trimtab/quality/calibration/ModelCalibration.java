package dev.trimtab.quality.calibration;

import dev.trimtab.checkpoint.cache.CachedFile;
import dev.trimtab.checkpoint.cache.Digest;
import dev.trimtab.compress.calibration.CalibrationSource;
import dev.trimtab.compress.calibration.Covariance;
import dev.trimtab.compress.calibration.InputStatistics;
import dev.trimtab.compress.calibration.Inputs;
import dev.trimtab.compress.matrix.LargeGarbage;
import dev.trimtab.error.BadConfiguration;
import dev.trimtab.error.Internal;
import dev.trimtab.kernel.Activations;
import dev.trimtab.kernel.ComputePool;
import dev.trimtab.model.LoadListener;
import dev.trimtab.model.Model;
import dev.trimtab.quality.calibration.Passes.Head;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Calibration by running a model over a text. The model is loaded when something is asked that is not on disk:
/// statistics and influences are (one pass gives all), covariances and near-zero shares are not.
///
/// Covariances are kept for one layer, so a caller asks layer by layer, upwards. May be called from several
/// threads, one at a time being served.
public final class ModelCalibration implements CalibrationSource, AutoCloseable {
    /// Bounds of a batch that the model must be loaded with.
    public static final Model.Capacity CAPACITY = new Model.Capacity(Passes.BATCH_TOKENS, Passes.BATCH_TOKENS);

    /// How statistics are computed; a change makes those on disk worthless.
    private static final int VERSION = 1;

    private static final Pattern LAYER = Pattern.compile("blk\\.(\\d{1,6})\\..*");

    /// Where covariances of the head are kept among those of layers.
    private static final int NO_LAYER = -1;

    /// What to run.
    ///
    /// @param checkpoint the weights' digest ([Digest#of])
    /// @param load loads the model, exactly and with [#CAPACITY], with the listener it is given
    /// @param folder where statistics are kept, if anywhere
    public record Request(
            String checkpoint,
            CalibrationText text,
            ComputePool pool,
            Function<LoadListener, Model> load,
            Optional<Path> folder) {}

    private final Request request;
    private final String digest;
    private Optional<Passes> passes = Optional.empty();
    private Optional<LayerWalk> walk = Optional.empty();
    private Optional<ActivationStatistics> statistics = Optional.empty();
    private final Map<Float, Map<String, float[]>> nearZero = new HashMap<>();
    private Map<String, Covariance> covariances = Map.of();
    private Optional<Integer> covariancesOf = Optional.empty();

    public ModelCalibration(Request request) {
        this.request = request;
        this.digest = new Digest("calibration", VERSION)
                .add(request.checkpoint())
                .add(request.text().digest())
                .hex();
    }

    @Override
    public synchronized Inputs inputs(String tensor) {
        String watched = watched(tensor);
        InputStatistics found = statistics().inputs().get(watched);
        if (found == null) {
            throw unknown(tensor);
        }
        return new Inputs() {
            @Override
            public InputStatistics statistics() {
                return found;
            }

            @Override
            public Covariance covariance() {
                return ModelCalibration.this.covariance(watched);
            }
        };
    }

    /// The matrix whose input stands for that of `tensor`; itself where the checkpoint stores it fused, or has no
    /// other.
    private String watched(String tensor) {
        return statistics().inputs().containsKey(tensor) ? tensor : SharedInput.watched(tensor);
    }

    private BadConfiguration unknown(String tensor) {
        return new BadConfiguration("calibration of " + request.checkpoint() + ": no matrix " + tensor
                + " met an activation, so nothing is known of its input");
    }

    private ActivationStatistics statistics() {
        if (statistics.isEmpty()) {
            Optional<CachedFile> file = request.folder().map(folder -> new CachedFile(folder, "statistics", digest));
            statistics = file.flatMap(found -> found.read(ActivationStatistics::read))
                    .or(() -> {
                        ActivationStatistics made = collect();
                        file.ifPresent(kept -> kept.write(made.toBytes()));
                        return Optional.of(made);
                    });
        }
        return statistics.orElseThrow();
    }

    private ActivationStatistics collect() {
        ActivationStatistics.Collector collector = new ActivationStatistics.Collector(request.pool());
        passes().run(collector, Head.COMPUTED);
        return collector.result();
    }

    private Passes passes() {
        if (passes.isEmpty()) {
            Passes made = new Passes(request.load(), request.text().windows());
            passes = Optional.of(made);
            walk = Optional.of(new LayerWalk(made, request.pool()));
        }
        return passes.orElseThrow();
    }

    private synchronized Covariance covariance(String watched) {
        Matcher matcher = LAYER.matcher(watched);
        int layer = matcher.matches() ? Integer.parseInt(matcher.group(1)) : NO_LAYER;
        if (!covariancesOf.equals(Optional.of(layer)) || !covariances.containsKey(watched)) {
            forgetCovariances();
            passes();
            LayerWalk walking = walk.orElseThrow();
            covariances = layer == NO_LAYER ? walking.ofHead(watched) : walking.covariances(layer);
            covariancesOf = Optional.of(layer);
        }
        Covariance found = covariances.get(watched);
        if (found == null) {
            throw new Internal(watched + " had statistics and has no covariance");
        }
        return found;
    }

    private void forgetCovariances() {
        long bytes = covariances.values().stream()
                .mapToLong(covariance -> (long) Float.BYTES * covariance.values().length)
                .sum();
        covariances = Map.of();
        LargeGarbage.left(bytes);
    }

    @Override
    public synchronized float[] nearZero(String tensor, float epsilon) {
        String watched = watched(tensor);
        float[] found = nearZero.computeIfAbsent(epsilon, this::countNearZero).get(watched);
        if (found == null) {
            throw unknown(tensor);
        }
        return found;
    }

    private Map<String, float[]> countNearZero(float epsilon) {
        Map<String, NearZeroCounts> counts = new HashMap<>();
        passes().run(
                        new PassObserver() {
                            @Override
                            public void input(String name, Activations in) {
                                if (SharedInput.isWatched(name)) {
                                    counts.computeIfAbsent(name, _ -> new NearZeroCounts(in.columns(), epsilon))
                                            .add(in);
                                }
                            }
                        },
                        Head.COMPUTED);
        Map<String, float[]> shares = new HashMap<>();
        counts.forEach((name, count) -> shares.put(name, count.shares()));
        return shares;
    }

    @Override
    public synchronized Influence influence(int layer) {
        if (layer < 0 || layer >= statistics().influences().size()) {
            throw new BadConfiguration("calibration of " + request.checkpoint() + ": layers 0.."
                    + (statistics().influences().size() - 1) + " expected, found " + layer);
        }
        return statistics().influences().get(layer);
    }

    @Override
    public String digest() {
        return digest;
    }

    /// Frees the model, if it was loaded.
    @Override
    public synchronized void close() {
        passes.ifPresent(Passes::close);
        passes = Optional.empty();
        walk = Optional.empty();
    }
}
