package dev.trimtab.compress.lock;

import dev.trimtab.checkpoint.WeightSource;
import dev.trimtab.checkpoint.cache.Digest;
import dev.trimtab.checkpoint.coupling.Removal;
import dev.trimtab.compress.Compression;
import dev.trimtab.compress.Plan;
import dev.trimtab.compress.calibration.CalibrationSource;
import dev.trimtab.error.BadConfiguration;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Supplier;

/// A plan that is carried out as its lock says, or that a lock is written of when it has been.
public final class LockedPlan {
    private final Plan plan;
    private final WeightSource weights;
    private final Path file;
    private final Lock.Inputs inputs;
    private final Optional<Lock> lock;

    private LockedPlan(Plan plan, WeightSource weights, Path file) {
        this.plan = plan;
        this.weights = weights;
        this.file = file;
        this.inputs = inputs(plan, Digest.of(weights));
        this.lock = Files.exists(file) ? Optional.of(LockFile.read(file)) : Optional.empty();
        lock.ifPresent(found -> found.refuseOther(file.toString(), inputs, plan.removes()));
    }

    private static Lock.Inputs inputs(Plan plan, String source) {
        return new Lock.Inputs(
                plan.recipe().digest(),
                source,
                Optional.empty(),
                plan.recipe().extras().seed());
    }

    /// Refuses what lies in `file`, if anything, and is no lock or not that of `plan`'s recipe. Reads no weight, so a
    /// lock of other weights is not noticed.
    public static void refuseOther(Plan plan, Path file) {
        if (Files.exists(file)) {
            Lock lock = LockFile.read(file);
            lock.refuseOther(file.toString(), inputs(plan, lock.inputs().source()), plan.removes());
        }
    }

    /// Reads the lock in `file`, if it is there; hashes all of `weights`.
    ///
    /// @param weights what the plan was made for, with what is merged into it
    /// @throws BadConfiguration where it is no lock, or that of another recipe or other weights
    public static LockedPlan of(Plan plan, WeightSource weights, Path file) {
        return new LockedPlan(plan, weights, file);
    }

    /// Carries the plan out. What the lock says is not decided again: neither what is removed, nor by which
    /// statistics, so that `resources`' calibration is asked only for forms that have to be made.
    ///
    /// @throws BadConfiguration where a tensor would become another than was locked
    public Compression compression(Compression.Resources resources) {
        if (lock.isEmpty()) {
            return Compression.of(plan, weights, resources);
        }
        var known = new Compression.Resources(
                resources.pool(),
                calibration(lock.get(), resources.calibration()),
                resources.tokens(),
                resources.progress());
        Compression compression = lock.get()
                .removal()
                .map(removal -> removing(removal, known))
                .orElseGet(() -> Compression.of(plan, weights, known));
        lock.get().refuseOther(file.toString(), compression);
        return compression;
    }

    private Compression removing(Removal removal, Compression.Resources resources) {
        try {
            return Compression.removing(removal, plan, weights, resources);
        } catch (BadConfiguration e) {
            throw new BadConfiguration(file + ": removal: " + e.getMessage());
        }
    }

    private static Supplier<CalibrationSource> calibration(Lock lock, Supplier<CalibrationSource> read) {
        if (lock.inputs().statistics().isEmpty()) {
            return read;
        }
        CalibrationSource locked =
                new LockedCalibration(lock.inputs().statistics().get(), read);
        return () -> locked;
    }

    /// Writes the lock unless there was one.
    ///
    /// @param forms of `compression`, from a cache, if there is one
    /// @param statistics digest of the calibration, if one was asked for
    /// @throws BadConfiguration where the disk refuses
    public void write(Compression compression, WeightSource forms, Optional<String> statistics) {
        if (lock.isEmpty()) {
            var resolved = new Lock.Inputs(inputs.recipe(), inputs.source(), statistics, inputs.seed());
            LockFile.write(file, Lock.of(compression, forms, resolved));
        }
    }
}
