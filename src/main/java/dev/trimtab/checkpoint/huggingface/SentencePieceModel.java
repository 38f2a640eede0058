package dev.trimtab.checkpoint.huggingface;

import dev.trimtab.checkpoint.MetadataValue;
import dev.trimtab.checkpoint.ValueType;
import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.Unsupported;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Reads SentencePiece's `tokenizer.model` into GGUF's keys. The file is a protocol buffer
/// (google/sentencepiece, sentencepiece_model.proto), of which these fields are read:
///
/// 1. `pieces`, repeated: text (1), score (2, a float), type (3; the numbers are GGUF's, 1 where absent).
/// 2. `trainer_spec`: the model's kind (3: 1 unigram, 2 BPE), whether white space stands after words (24), and
///    the ids of unknown, BOS, EOS and padding (40 to 43; 0, 1, 2 and -1 where absent).
/// 3. `normalizer_spec`: a map of characters (2), whether a space is put in front (3) and whether those too
///    many are dropped (4), both true where absent.
public final class SentencePieceModel {
    /// Every token costs a piece of a few bytes at least.
    private static final int TOKENS_MAX = 1 << 22;

    private static final int UNIGRAM = 1;
    private static final int BPE = 2;
    private static final int NORMAL = 1;

    /// A field: its number, its value where it is a number (a float as its bits), its bytes where it has any.
    private record Field(int number, long value, ByteBuffer bytes) {}

    private final String source;
    private final List<String> pieces = new ArrayList<>();
    private final List<Field> scores = new ArrayList<>();
    private final List<Long> types = new ArrayList<>();
    private final Map<String, MetadataValue> values = new LinkedHashMap<>();

    private SentencePieceModel(String source) {
        this.source = source;
    }

    /// The pairs that stand for the file in `bytes`.
    ///
    /// @throws BadCheckpoint when a field reaches beyond its message, or there are no pieces
    /// @throws Unsupported for models of words or characters, and for tiktoken's ranks, which have the same
    ///     file name
    public static Map<String, MetadataValue> read(String source, byte[] bytes) {
        if (bytes.length > 0 && bytes[0] != 0x0A) {
            throw new Unsupported(source + ": not a SentencePiece model; a tokenizer.json beside it would be read");
        }
        return new SentencePieceModel(source).read(ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN));
    }

    private Map<String, MetadataValue> read(ByteBuffer message) {
        List<Field> trainer = List.of();
        List<Field> normalizer = List.of();
        while (message.hasRemaining()) {
            Field field = next(message);
            switch (field.number) {
                case 1 -> piece(fields(field.bytes));
                case 2 -> trainer = fields(field.bytes);
                case 3 -> normalizer = fields(field.bytes);
                default -> {}
            }
        }
        if (pieces.isEmpty() || pieces.size() > TOKENS_MAX) {
            throw BadCheckpoint.mismatch(source + ": pieces", "1 to " + TOKENS_MAX, pieces.size());
        }
        tokens();
        trainer(trainer);
        normalizer(normalizer);
        return values;
    }

    private void piece(List<Field> fields) {
        pieces.add(text(fields, 1));
        scores.add(find(fields, 2));
        types.add(number(fields, 3, NORMAL));
    }

    private void tokens() {
        double[] reals = new double[pieces.size()];
        long[] wholes = new long[pieces.size()];
        for (int id = 0; id < reals.length; id++) {
            reals[id] = Float.intBitsToFloat((int) scores.get(id).value);
            wholes[id] = types.get(id);
        }
        values.put("tokenizer.ggml.tokens", new MetadataValue.Texts(List.copyOf(pieces)));
        values.put("tokenizer.ggml.scores", new MetadataValue.Reals(ValueType.FLOAT32, reals));
        values.put("tokenizer.ggml.token_type", new MetadataValue.Wholes(ValueType.INT64, wholes));
    }

    private void trainer(List<Field> trainer) {
        int kind = (int) number(trainer, 3, UNIGRAM);
        String model = switch (kind) {
            case UNIGRAM -> "t5";
            case BPE -> "llama";
            default ->
                throw new Unsupported(
                        source + ": a SentencePiece model of kind " + kind + " (1 unigram and 2 BPE can be read)");
        };
        values.put("tokenizer.ggml.model", new MetadataValue.Text(model));
        putFlag("treat_whitespace_as_suffix", number(trainer, 24, 0) != 0);
        putId("unknown", number(trainer, 40, 0));
        putId("bos", number(trainer, 41, 1));
        putId("eos", number(trainer, 42, 2));
        putId("padding", number(trainer, 43, -1));
    }

    private void normalizer(List<Field> normalizer) {
        ByteBuffer map = find(normalizer, 2).bytes;
        if (map.hasRemaining()) {
            long[] wholes = new long[map.remaining()];
            for (int i = 0; i < wholes.length; i++) {
                wholes[i] = map.get(map.position() + i) & 0xFF;
            }
            values.put("tokenizer.ggml.precompiled_charsmap", new MetadataValue.Wholes(ValueType.UINT8, wholes));
        }
        putFlag("add_space_prefix", number(normalizer, 3, 1) != 0);
        putFlag("remove_extra_whitespaces", number(normalizer, 4, 1) != 0);
    }

    private void putFlag(String name, boolean flag) {
        values.put("tokenizer.ggml." + name, new MetadataValue.Flag(flag));
    }

    private void putId(String name, long id) {
        values.put("tokenizer.ggml." + name + "_token_id", new MetadataValue.Whole(ValueType.INT64, Math.max(-1, (int)
                id)));
    }

    private List<Field> fields(ByteBuffer message) {
        List<Field> fields = new ArrayList<>();
        while (message.hasRemaining()) {
            fields.add(next(message));
        }
        return fields;
    }

    /// The last field of that number, which counts in a protocol buffer; zero and no bytes where there is none.
    private static Field find(List<Field> fields, int number) {
        return fields.stream()
                .filter(field -> field.number == number)
                .reduce((_, last) -> last)
                .orElse(new Field(number, 0, ByteBuffer.allocate(0)));
    }

    private static long number(List<Field> fields, int number, long fallback) {
        boolean present = fields.stream().anyMatch(field -> field.number == number);
        return present ? find(fields, number).value : fallback;
    }

    private static String text(List<Field> fields, int number) {
        return StandardCharsets.UTF_8
                .decode(find(fields, number).bytes.duplicate())
                .toString();
    }

    private Field next(ByteBuffer message) {
        long tag = varint(message);
        int number = (int) (tag >>> 3);
        int kind = (int) (tag & 7);
        ByteBuffer none = ByteBuffer.allocate(0);
        return switch (kind) {
            case 0 -> new Field(number, varint(message), none);
            case 1 -> new Field(number, take(message, Long.BYTES).getLong(), none);
            case 2 -> new Field(number, 0, take(message, varint(message)));
            case 5 -> new Field(number, take(message, Integer.BYTES).getInt(), none);
            default ->
                throw BadCheckpoint.mismatch(
                        source + ": byte " + message.position(), "a field of wire type 0, 1, 2 or 5", kind);
        };
    }

    private ByteBuffer take(ByteBuffer message, long length) {
        if (length < 0 || length > message.remaining()) {
            throw BadCheckpoint.mismatch(
                    source + ": byte " + message.position(), "at most " + message.remaining() + " bytes", length);
        }
        ByteBuffer taken = message.slice(message.position(), (int) length).order(ByteOrder.LITTLE_ENDIAN);
        message.position(message.position() + (int) length);
        return taken;
    }

    private long varint(ByteBuffer message) {
        long value = 0;
        for (int shift = 0; shift < Long.SIZE && message.hasRemaining(); shift += 7) {
            byte part = message.get();
            value |= (part & 0x7FL) << shift;
            if (part >= 0) {
                return value;
            }
        }
        throw BadCheckpoint.mismatch(source + ": byte " + message.position(), "the end of a number", "more or nothing");
    }
}
