package dev.trimtab.checkpoint.huggingface;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trimtab.checkpoint.Metadata;
import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.TrimtabException;
import dev.trimtab.error.Unsupported;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class SentencePieceModelTest {
    /// A message of fields of bytes and of small numbers.
    private static final class Message {
        private final ByteArrayOutputStream out = new ByteArrayOutputStream();

        Message bytes(int number, byte[] bytes) {
            out.write(number << 3 | 2);
            out.write(bytes.length);
            out.writeBytes(bytes);
            return this;
        }

        Message text(int number, String text) {
            return bytes(number, text.getBytes(StandardCharsets.UTF_8));
        }

        Message number(int number, int value) {
            int tag = number << 3;
            if (tag >= 0x80) {
                out.write((tag & 0x7F) | 0x80);
                tag >>>= 7;
            }
            out.write(tag);
            out.write(value);
            return this;
        }

        Message real(int number, float value) {
            int bits = Float.floatToIntBits(value);
            out.write(number << 3 | 5);
            for (int i = 0; i < Float.BYTES; i++) {
                out.write(bits >>> (8 * i));
            }
            return this;
        }

        byte[] bytes() {
            return out.toByteArray();
        }
    }

    private static byte[] model() {
        return new Message()
                .bytes(1, new Message().text(1, "<unk>").real(2, 0).number(3, 2).bytes())
                .bytes(1, new Message().text(1, "▁a").real(2, -1.5f).bytes())
                .bytes(2, new Message().number(3, 2).number(41, 1).bytes())
                .bytes(
                        3,
                        new Message()
                                .bytes(2, new byte[] {0, 0, 0, 0})
                                .number(3, 0)
                                .bytes())
                .text(9, "something newer")
                .bytes();
    }

    private static Metadata read(byte[] bytes) {
        return new Metadata("tokenizer.model", SentencePieceModel.read("tokenizer.model", bytes));
    }

    @Test
    void givesGgufsKeys() {
        Metadata metadata = read(model());

        assertThat(metadata.string("tokenizer.ggml.model")).isEqualTo("llama");
        assertThat(metadata.strings("tokenizer.ggml.tokens")).containsExactly("<unk>", "▁a");
        assertThat(metadata.numbers("tokenizer.ggml.scores")).containsExactly(0, -1.5);
        assertThat(metadata.integers("tokenizer.ggml.token_type")).containsExactly(2, 1);
        assertThat(metadata.integers("tokenizer.ggml.precompiled_charsmap")).containsExactly(0, 0, 0, 0);
        assertThat(metadata.flag("tokenizer.ggml.add_space_prefix", true)).isFalse();
        assertThat(metadata.flag("tokenizer.ggml.remove_extra_whitespaces", false))
                .isTrue();
        assertThat(Map.of("bos", 1L, "eos", 2L, "unknown", 0L, "padding", -1L))
                .allSatisfy((name, id) -> assertThat(metadata.integer("tokenizer.ggml." + name + "_token_id"))
                        .isEqualTo(id));
    }

    @Test
    void refusesWhatIsNoSentencePieceModel() {
        assertThatThrownBy(() -> read("IQ== 0\nIg== 1\n".getBytes(StandardCharsets.UTF_8)))
                .isInstanceOf(Unsupported.class)
                .hasMessageContaining("tokenizer.model: not a SentencePiece model");
        assertThatThrownBy(() -> read(new byte[0]))
                .isInstanceOf(BadCheckpoint.class)
                .hasMessageContaining("pieces");
        assertThatThrownBy(() -> read(new byte[] {0x0A, 0x7F, 1}))
                .isInstanceOf(BadCheckpoint.class)
                .hasMessageContaining("at most 1 bytes");
    }

    @Test
    void doesNotBreakOnDamage() {
        byte[] model = model();
        Random random = new Random(3);

        for (int i = 0; i < 2000; i++) {
            byte[] damaged = model.clone();
            damaged[random.nextInt(damaged.length)] = (byte) random.nextInt();
            try {
                assertThat(read(damaged).strings("tokenizer.ggml.tokens")).isNotEmpty();
            } catch (TrimtabException e) {
                assertThat(e).hasMessageContaining("tokenizer.model");
            }
        }
    }
}
