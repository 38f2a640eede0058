package dev.trimtab.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class StopDetectorTest {
    @Test
    void passesTextThroughWhenThereIsNothingToStopAt() {
        var detector = new StopDetector(List.of());

        assertThat(detector.accept("any")).isEqualTo("any");
        assertThat(detector.finish()).isEmpty();
    }

    @Test
    void holdsBackOnlyWhatCouldBecomeAStopString() {
        var detector = new StopDetector(List.of("</s>"));

        assertThat(detector.accept("a <")).isEqualTo("a ");
        assertThat(detector.accept("/")).isEmpty();
        assertThat(detector.accept("b")).isEqualTo("</b");
        assertThat(detector.accept("</")).isEmpty();
        assertThat(detector.finish()).isEqualTo("</");
        assertThat(detector.matched()).isFalse();
    }

    @Test
    void cutsBeforeTheStopStringAndForgetsWhatFollows() {
        var detector = new StopDetector(List.of("STOP"));

        assertThat(detector.accept("go S")).isEqualTo("go ");
        assertThat(detector.accept("TOP and more")).isEmpty();
        assertThat(detector.matched()).isTrue();
        assertThat(detector.finish()).isEmpty();
    }

    @Test
    void stopsAtTheStringThatEndsFirstAndOfThoseAtTheLongest() {
        var detector = new StopDetector(List.of("bcde", "cd", "bcd"));

        assertThat(detector.accept("abcdef")).isEqualTo("a");
    }

    @Test
    void agreesWithASearchOfTheWholeTextHoweverItIsCut() {
        Random random = new Random(7);
        for (int round = 0; round < 5000; round++) {
            List<String> strings = Stream.generate(() -> text(random, 1 + random.nextInt(5)))
                    .limit(1 + random.nextInt(4))
                    .toList();
            String text = text(random, random.nextInt(30));
            int cut = Alone.firstStop(text, strings);
            var detector = new StopDetector(strings);

            StringBuilder given = new StringBuilder();
            StringBuilder seen = new StringBuilder();
            for (String piece : pieces(random, text)) {
                if (!detector.matched()) {
                    given.append(detector.accept(piece));
                    seen.append(piece);
                    assertHoldsAsLittleAsPossible(seen.toString(), given.toString(), strings, detector);
                }
            }
            given.append(detector.finish());

            assertThat(given.toString()).as(text + " " + strings).isEqualTo(cut < 0 ? text : text.substring(0, cut));
            assertThat(detector.matched()).isEqualTo(cut >= 0);
        }
    }

    private static void assertHoldsAsLittleAsPossible(
            String seen, String given, List<String> strings, StopDetector detector) {
        String held = seen.substring(given.length());
        boolean needed = held.isEmpty() || strings.stream().anyMatch(string -> string.startsWith(held));
        assertThat(needed || detector.matched()).as(seen + " " + strings).isTrue();
    }

    private static String text(Random random, int length) {
        return random.ints(length, 'a', 'd')
                .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
                .toString();
    }

    private static List<String> pieces(Random random, String text) {
        List<String> pieces = new ArrayList<>();
        int start = 0;
        while (start < text.length()) {
            int end = Math.min(text.length(), start + random.nextInt(4));
            pieces.add(text.substring(start, end));
            start = end;
        }
        return pieces;
    }
}
