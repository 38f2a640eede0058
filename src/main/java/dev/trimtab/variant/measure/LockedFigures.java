package dev.trimtab.variant.measure;

import dev.trimtab.compress.lock.Lock;
import dev.trimtab.compress.lock.LockFile;
import dev.trimtab.error.BadConfiguration;
import dev.trimtab.quality.measure.Metric;
import dev.trimtab.variant.Measured;
import dev.trimtab.variant.life.VariantOrder;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/// The figures of variants in their locks: what was measured once of weights that are the same by their addresses
/// is not measured again. Gates are asked anew, for they are the recipe's.
final class LockedFigures {
    private static final System.Logger LOG = System.getLogger(LockedFigures.class.getName());

    private LockedFigures() {}

    /// What the lock of `order`, which was loaded by it, says was found; empty where it has not every [Metric].
    ///
    /// @throws BadConfiguration where it is no lock any more
    static Optional<Measured> of(VariantOrder order) {
        return order.variant()
                .lock()
                .filter(Files::exists)
                .map(file -> LockFile.read(file).metrics())
                .filter(figures -> Arrays.stream(Metric.values())
                        .allMatch(metric -> metric.of(figures).isPresent()))
                .map(Evaluation.of(order.variant().recipe())::judge);
    }

    /// Writes the figures of `found` into the lock of `order`, if it has one. What cannot be written is measured
    /// again at the next load, so it is only logged.
    static void keep(VariantOrder order, Measured found) {
        Map<String, Double> figures = new TreeMap<>();
        found.figures().keySet().forEach(name -> found.figure(name).ifPresent(value -> figures.put(name, value)));
        if (figures.isEmpty()) {
            return;
        }
        order.variant().lock().filter(Files::exists).ifPresent(file -> {
            try {
                Lock lock = LockFile.read(file);
                LockFile.write(file, lock.with(figures));
            } catch (BadConfiguration e) {
                LOG.log(
                        System.Logger.Level.WARNING,
                        "the figures of variant " + order.name() + " are not kept: " + e.getMessage());
            }
        });
    }
}
