package dev.trimtab.tensor;

import dev.trimtab.error.Internal;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/// One of ggml's codebooks: entries of [#width()] small integers, read from the resource `ggml-grids.txt`.
///
/// That file is text: a line `grid NAME levels a b c` begins a grid, and each word after it is an entry whose
/// digits index the levels. `#` begins a comment.
@SuppressWarnings("ArrayRecordComponent")
record Grid(int width, byte[] values) {
    static final Grid IQ2_XXS = load("iq2_xxs", 256);
    static final Grid IQ2_XS = load("iq2_xs", 512);
    static final Grid IQ2_S = load("iq2_s", 1024);
    static final Grid IQ3_XXS = load("iq3_xxs", 256);
    static final Grid IQ3_S = load("iq3_s", 512);
    static final Grid IQ1 = load("iq1", 2048);

    private static final String RESOURCE = "ggml-grids.txt";

    /// Value `index` of entry `entry`.
    int value(int entry, int index) {
        return values[entry * width + index];
    }

    private static Grid load(String name, int entries) {
        List<String> lines = lines();
        String start = "grid " + name + " levels ";
        int first = 0;
        while (!lines.get(first).startsWith(start)) {
            first++;
        }
        int[] levels = Arrays.stream(lines.get(first).substring(start.length()).split(" "))
                .mapToInt(Integer::parseInt)
                .toArray();
        StringBuilder digits = new StringBuilder();
        int width = lines.get(first + 1).indexOf(' ');
        for (String line : lines.subList(first + 1, lines.size())) {
            if (line.startsWith("grid ")) {
                break;
            }
            digits.append(line.replace(" ", ""));
        }
        if (digits.length() != entries * width) {
            throw new Internal(RESOURCE + ": grid " + name + ": expected " + entries * width + " digits, found "
                    + digits.length());
        }
        byte[] values = new byte[digits.length()];
        for (int i = 0; i < values.length; i++) {
            values[i] = (byte) levels[digits.charAt(i) - '0'];
        }
        return new Grid(width, values);
    }

    private static List<String> lines() {
        try (InputStream stream = Grid.class.getResourceAsStream(RESOURCE)) {
            if (stream == null) {
                throw new Internal("resource " + RESOURCE + " is missing");
            }
            var reader = new BufferedReader(new InputStreamReader(stream, StandardCharsets.UTF_8));
            return reader.lines().filter(line -> !line.startsWith("#")).toList();
        } catch (IOException e) {
            throw new Internal("resource " + RESOURCE + " cannot be read", e);
        }
    }
}
