package dev.trimtab.tokenizer.text;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trimtab.tokenizer.RandomText;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class Utf8DecoderTest {
    /// The last four are tables 3-8 to 3-11 of the Unicode standard.
    @ParameterizedTest
    @CsvSource({
        "68C3A9E4B8ADF09F9880, hé中😀",
        "80, �",
        "C3, �",
        "C328, �(",
        "E4B8, �",
        "F09F98, �",
        "F09F9828, �(",
        "C080, ��",
        "FF41FE, �A�",
        "C0AFE080BFF0818241, ��������A",
        "EDA080EDBFBFEDAF41, ��������A",
        "F4919293FF4180BF42, �����A��B",
        "E180E2F09192F1BF41, ����A"
    })
    void replacesMaximalSubparts(String hex, String expected) {
        assertThat(decoded(HexFormat.of().parseHex(hex))).isEqualTo(expected);
    }

    @Test
    void decodesTheSameWhateverThePieces() {
        Random random = new Random(3);
        for (int round = 0; round < 2000; round++) {
            byte[] bytes = randomBytes(random);
            StringBuilder text = new StringBuilder();
            Utf8Decoder decoder = new Utf8Decoder();
            for (int start = 0; start < bytes.length; ) {
                int count = Math.min(random.nextInt(4), bytes.length - start);
                decoder.accept(bytes, start, count, text);
                start += count;
            }
            decoder.finish(text);

            assertThat(text).hasToString(decoded(bytes));
        }
    }

    @Test
    void decodesWellFormedTextAsJavaDoes() {
        Random random = new Random(4);
        for (int round = 0; round < 2000; round++) {
            String text = RandomText.wellFormed(RandomText.next(random));

            assertThat(decoded(text.getBytes(StandardCharsets.UTF_8))).isEqualTo(text);
        }
    }

    private static byte[] randomBytes(Random random) {
        byte[] bytes = RandomText.next(random).getBytes(StandardCharsets.UTF_8);
        for (int i = 0; i < bytes.length; i++) {
            if (random.nextInt(6) == 0) {
                bytes[i] = (byte) random.nextInt(256);
            }
        }
        return bytes;
    }

    private static String decoded(byte[] bytes) {
        StringBuilder text = new StringBuilder();
        Utf8Decoder decoder = new Utf8Decoder();
        decoder.accept(bytes, 0, bytes.length, text);
        decoder.finish(text);
        return text.toString();
    }
}
