package dev.trimtab.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trimtab.SharedData;
import dev.trimtab.checkpoint.Checkpoint;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/// One real matrix in every encoding, quantized and decoded by ggml: ours must decode to the same bits.
class DequantizerConformanceTest {
    private static final Set<Encoding> OTHERS = EnumSet.of(
            Encoding.F64, Encoding.I8, Encoding.I16, Encoding.I32, Encoding.I64, Encoding.Q8_1, Encoding.Q8_K);

    /// All of ggml's that stand for weights, less doubles and integers: a new one in the vectors, or
    /// here, fails the test.
    private static final Set<Encoding> WEIGHTS = Arrays.stream(Encoding.values())
            .filter(Encoding::hasGgmlId)
            .filter(encoding -> !OTHERS.contains(encoding))
            .collect(Collectors.toCollection(() -> EnumSet.noneOf(Encoding.class)));

    @TestFactory
    Stream<DynamicTest> decodesToGgmlsBits() {
        Path file = SharedData.path("vectors/gguf/ggml_quant_vectors.gguf");
        Checkpoint checkpoint = Checkpoint.open(file);
        List<Tensor> quantized = checkpoint.tensors().values().stream()
                .filter(tensor -> tensor.name().startsWith("q."))
                .toList();

        Set<Encoding> seen = EnumSet.noneOf(Encoding.class);
        quantized.forEach(tensor -> seen.add(tensor.encoding()));

        assertThat(seen).isEqualTo(WEIGHTS);
        return quantized.stream()
                .map(tensor -> DynamicTest.dynamicTest(tensor.name(), () -> {
                    Tensor expected = checkpoint.tensor("d" + tensor.name());
                    for (int row = 0; row < tensor.shape().rows(); row++) {
                        assertThat(bits(tensor, row)).as("row %d", row).isEqualTo(bits(expected, row));
                    }
                }))
                .onClose(checkpoint::close);
    }

    private static int[] bits(Tensor tensor, int row) {
        float[] values = new float[Math.toIntExact(tensor.shape().columns())];
        Dequantizer.decodeRow(tensor, row, values, 0);
        int[] bits = new int[values.length];
        for (int i = 0; i < bits.length; i++) {
            bits[i] = Float.floatToRawIntBits(values[i]);
        }
        return bits;
    }
}
