package dev.trimtab.compress.cache;

import dev.trimtab.checkpoint.io.ByteWriter;
import dev.trimtab.checkpoint.io.FileOutput;
import dev.trimtab.tensor.Shape;
import dev.trimtab.tensor.Tensor;
import dev.trimtab.tensor.TensorForm;
import java.io.IOException;
import java.nio.channels.WritableByteChannel;

/// Writes a form as [FormReader] reads it.
final class FormWriter {
    private final WritableByteChannel channel;

    FormWriter(WritableByteChannel channel) {
        this.channel = channel;
    }

    void form(TensorForm form) throws IOException {
        switch (form) {
            case TensorForm.Dense(Tensor tensor) -> {
                kind(FormReader.DENSE);
                tensor(tensor);
            }
            case TensorForm.Codebook codebook -> {
                kind(FormReader.CODEBOOK);
                codebook(codebook);
            }
            case TensorForm.LowRank(TensorForm left, TensorForm right) -> {
                kind(FormReader.LOW_RANK);
                form(left);
                form(right);
            }
            case TensorForm.VectorSparse(Shape shape, int[] starts, int[] columns, Tensor lines) -> {
                kind(FormReader.VECTOR_SPARSE);
                write(integers(integers(extents(new ByteWriter(), shape), starts), columns));
                tensor(lines);
            }
            case TensorForm.Sum(TensorForm base, TensorForm correction) -> {
                kind(FormReader.SUM);
                form(base);
                form(correction);
            }
        }
    }

    private void kind(int kind) throws IOException {
        write(new ByteWriter().int8(kind));
    }

    private void codebook(TensorForm.Codebook codebook) throws IOException {
        float[] centroids = codebook.centroids();
        ByteWriter head = extents(new ByteWriter(), codebook.shape())
                .int8(codebook.bits())
                .int64(codebook.rowsPerBook())
                .int64(centroids.length);
        for (float centroid : centroids) {
            head.int32(Float.floatToRawIntBits(centroid));
        }
        write(head.int64(codebook.indices().length));
        FileOutput.write(channel, codebook.indices());
    }

    private void tensor(Tensor tensor) throws IOException {
        ByteWriter head = new ByteWriter().string(tensor.encoding().name());
        write(extents(head, tensor.shape()).int64(tensor.sizeBytes()));
        FileOutput.write(channel, tensor.data());
    }

    private static ByteWriter extents(ByteWriter head, Shape shape) {
        head.int8(shape.rank());
        shape.extents().forEach(head::int64);
        return head;
    }

    private static ByteWriter integers(ByteWriter head, int[] values) {
        head.int64(values.length);
        for (int value : values) {
            head.int32(value);
        }
        return head;
    }

    private void write(ByteWriter head) throws IOException {
        FileOutput.write(channel, head.toBytes());
    }
}
