package dev.trimtab.tokenizer;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/// Reads the fields of a protocol buffer's message without knowing its schema.
final class ProtocolBuffer {
    /// A field: `value` for numbers (floats as their bits), `bytes` for texts and messages.
    @SuppressWarnings("ArrayRecordComponent")
    record Field(int number, long value, byte[] bytes) {}

    private ProtocolBuffer() {}

    static List<Field> fields(byte[] message) {
        ByteBuffer buffer = ByteBuffer.wrap(message).order(ByteOrder.LITTLE_ENDIAN);
        List<Field> fields = new ArrayList<>();
        while (buffer.hasRemaining()) {
            long tag = varint(buffer);
            int number = (int) (tag >>> 3);
            switch ((int) (tag & 7)) {
                case 0 -> fields.add(new Field(number, varint(buffer), new byte[0]));
                case 1 -> fields.add(new Field(number, buffer.getLong(), new byte[0]));
                case 2 -> {
                    byte[] bytes = new byte[(int) varint(buffer)];
                    buffer.get(bytes);
                    fields.add(new Field(number, 0, bytes));
                }
                case 5 -> fields.add(new Field(number, buffer.getInt(), new byte[0]));
                default -> throw new IllegalArgumentException("wire type of tag " + tag);
            }
        }
        return fields;
    }

    private static long varint(ByteBuffer buffer) {
        long value = 0;
        int shift = 0;
        byte part;
        do {
            part = buffer.get();
            value |= (part & 0x7FL) << shift;
            shift += 7;
        } while (part < 0);
        return value;
    }
}
