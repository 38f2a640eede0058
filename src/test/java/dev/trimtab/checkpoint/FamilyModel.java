package dev.trimtab.checkpoint;

import dev.trimtab.checkpoint.safetensors.TestSafetensors;
import dev.trimtab.tensor.Dequantizer;
import dev.trimtab.tensor.Encoding;
import dev.trimtab.tensor.Shape;
import dev.trimtab.tensor.Tensor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Function;
import java.util.stream.Stream;

/// A checkpoint of any architecture, put together key by key and tensor by tensor, its weights seeded random
/// F32: for tests that compare forward passes.
public final class FamilyModel {
    private final String architecture;
    private final Map<String, MetadataValue> keys = new LinkedHashMap<>();
    private final Map<String, Tensor> tensors = new LinkedHashMap<>();
    private final Random random = new Random(5);

    public FamilyModel(String architecture) {
        this.architecture = architecture;
        keys.put("general.architecture", new MetadataValue.Text(architecture));
    }

    public String architecture() {
        return architecture;
    }

    /// A key of the architecture's.
    public FamilyModel whole(String key, long value) {
        return key(key, new MetadataValue.Whole(ValueType.UINT32, value));
    }

    public FamilyModel wholes(String key, long... values) {
        return key(key, new MetadataValue.Wholes(ValueType.INT32, values));
    }

    public FamilyModel real(String key, double value) {
        return key(key, new MetadataValue.Real(ValueType.FLOAT32, (float) value));
    }

    public FamilyModel text(String key, String value) {
        return key(key, new MetadataValue.Text(value));
    }

    private FamilyModel key(String key, MetadataValue value) {
        keys.put(architecture + "." + key, value);
        return this;
    }

    /// A matrix, or a stack of them, that keeps the size of what it multiplies.
    public FamilyModel matrix(String name, int... shape) {
        return random(name, 0, 1 / Math.sqrt(shape[shape.length - 1]), shape);
    }

    /// Weights of `mean` and `deviation`.
    public FamilyModel random(String name, double mean, double deviation, int... shape) {
        float[] values = new float[Arrays.stream(shape).reduce(1, Math::multiplyExact)];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (mean + deviation * random.nextGaussian());
        }
        return tensor(name, values, shape);
    }

    public FamilyModel tensor(String name, float[] values, int... shape) {
        tensors.put(name, plain(name, values, shape));
        return this;
    }

    /// Gives the vector `name` other values, where there is one.
    public FamilyModel tensorIfPresent(String name, float[] values) {
        return tensors.containsKey(name) ? tensor(name, values, values.length) : this;
    }

    private static Shape shape(int... extents) {
        return Shape.of(Arrays.stream(extents).asLongStream().toArray());
    }

    /// A tensor of F32 values.
    public static Tensor plain(String name, float[] values, int... shape) {
        byte[] bytes = RandomWeights.encode(Encoding.F32, values);
        return new Tensor(name, Encoding.F32, shape(shape), MemorySegment.ofArray(bytes));
    }

    /// Takes a tensor out again.
    public FamilyModel without(String name) {
        tensors.remove(name);
        return this;
    }

    /// Writes a GGUF file with a vocabulary of `vocabSize` and answers its path.
    public Path write(Path path, int vocabSize) {
        GgufWriter writer = new GgufWriter();
        keys.forEach(writer::put);
        TinyVocabulary.write(writer, vocabSize);
        tensors.values().forEach(writer::tensor);
        writer.write(path);
        return path;
    }

    /// Writes a Hugging Face folder: `config`, and of each tensor what `export` makes of it.
    public Path writeFolder(Path folder, String config, Function<Tensor, Stream<Tensor>> export) {
        try {
            Files.createDirectories(folder);
            Files.writeString(folder.resolve("config.json"), config);
            List<Tensor> exported = tensors.values().stream().flatMap(export).toList();
            Files.write(folder.resolve("model.safetensors"), TestSafetensors.bytes(exported));
            return folder;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// `tensor`'s values, transposed.
    public static Tensor transposed(Tensor tensor, String name) {
        int rows = Math.toIntExact(tensor.shape().rows());
        int columns = Math.toIntExact(tensor.shape().columns());
        float[] values = values(tensor);
        float[] turned = new float[values.length];
        for (int i = 0; i < values.length; i++) {
            turned[i % columns * rows + i / columns] = values[i];
        }
        return plain(name, turned, columns, rows);
    }

    /// `tensor` with `shift` added to each value.
    public static Tensor shifted(Tensor tensor, String name, float shift) {
        float[] values = values(tensor);
        for (int i = 0; i < values.length; i++) {
            values[i] += shift;
        }
        return plain(
                name,
                values,
                tensor.shape().extents().stream().mapToInt(Math::toIntExact).toArray());
    }

    /// The query's or key's rows, or elements of their bias, in the order that rotates halves.
    public static Tensor halves(Tensor tensor, String name, int headDim) {
        long rows = tensor.shape().extents().getFirst();
        Shape shape = Shape.of(rows, tensor.shape().elements() / rows);
        Tensor matrix = new Tensor(name, tensor.encoding(), shape, tensor.data());
        return new Tensor(name, tensor.encoding(), tensor.shape(), TestSafetensors.halves(matrix, rows / headDim));
    }

    private static float[] values(Tensor tensor) {
        float[] values = new float[Math.toIntExact(tensor.shape().elements())];
        Dequantizer.decode(tensor.encoding(), tensor.data(), 0, values, 0, values.length);
        return values;
    }
}
