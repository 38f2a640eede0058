package dev.trimtab.compress.export;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// What an export wrote.
///
/// @param encodings tensors by what they were written as, and how that came about
/// @param files what was written, the weights first
/// @param remarks what the user should know
public record ExportReport(Map<String, Integer> encodings, List<Path> files, List<String> remarks) {
    public ExportReport {
        encodings = Collections.unmodifiableMap(new LinkedHashMap<>(encodings));
        files = List.copyOf(files);
        remarks = List.copyOf(remarks);
    }

    /// Of the files that were written.
    public long sizeBytes() {
        long sizeBytes = 0;
        for (Path file : files) {
            try {
                sizeBytes += Files.size(file);
            } catch (IOException e) {
                throw new UncheckedIOException(file + ": cannot be read: " + e.getMessage(), e);
            }
        }
        return sizeBytes;
    }

    /// A report in the making.
    static final class Draft {
        private final Map<String, Integer> encodings = new LinkedHashMap<>();
        private final List<Path> files = new ArrayList<>();
        private final List<String> remarks = new ArrayList<>();

        void tensor(String note) {
            encodings.merge(note, 1, Integer::sum);
        }

        void file(Path file) {
            files.add(file);
        }

        void remark(String remark) {
            remarks.add(remark);
        }

        ExportReport report() {
            return new ExportReport(encodings, files, remarks);
        }
    }
}
