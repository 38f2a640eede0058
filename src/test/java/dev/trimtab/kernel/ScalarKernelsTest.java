package dev.trimtab.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.tensor.Encoding;
import dev.trimtab.tensor.Shape;
import dev.trimtab.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class ScalarKernelsTest {
    private final ComputePool pool = new ComputePool(2);
    private final Kernels kernels = Kernels.scalar(pool);
    private final Arena arena = Arena.ofShared();

    @AfterEach
    void close() {
        arena.close();
        pool.close();
    }

    @ParameterizedTest
    @CsvSource({"F32, F32", "F16, F16", "BF16, BF16", "Q8_0, INT8", "Q4_0, INT4", "Q4_0, INT8"})
    void packsWithoutLoss(Encoding encoding, PackedFormat format) {
        Tensor weight = Sample.matrix(encoding, 45, 96, 1);
        float[] expected = Sample.decoded(weight);

        LinearOperator linear = kernels.linear(weight, format, ActivationPrecision.FLOAT32, arena);

        float[] row = new float[96];
        for (int i = 0; i < 45; i++) {
            linear.row(i, row, 0);
            assertThat(row).containsExactly(java.util.Arrays.copyOfRange(expected, i * 96, (i + 1) * 96));
        }
    }

    @ParameterizedTest
    @CsvSource({"INT8, 0.003", "INT4, 0.05"})
    void quantizesWithinHalfAStep(PackedFormat format, float tolerance) {
        Tensor weight = Sample.matrix(Encoding.F32, 33, 172, 2);
        float[] expected = Sample.decoded(weight);

        LinearOperator linear = kernels.linear(weight, format, ActivationPrecision.FLOAT32, arena);

        float[] row = new float[172];
        for (int i = 0; i < 33; i++) {
            linear.row(i, row, 0);
            for (int column = 0; column < 172; column++) {
                assertThat(row[column]).isCloseTo(expected[i * 172 + column], within(tolerance));
            }
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = PackedFormat.class,
            names = {"F32", "F16", "BF16", "INT8", "INT4"})
    void refusesWeightsThatAreNoNumbers(PackedFormat format) {
        float[] values = new float[64];
        values[40] = Float.NaN;
        var bytes = ByteBuffer.allocate(256).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asFloatBuffer().put(values);
        var weight = new Tensor("broken", Encoding.F32, Shape.of(2, 32), MemorySegment.ofArray(bytes.array()));

        assertThatThrownBy(() -> kernels.linear(weight, format, ActivationPrecision.FLOAT32, arena))
                .isInstanceOf(BadCheckpoint.class)
                .hasMessage("tensor broken: row 1, column 8: expected a finite number, found NaN");
    }

    @Test
    void holdsInF32WhatF16CannotHold() {
        float[] values = {1, 70_000, 3e38f, -1e-7f};
        var bytes = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asFloatBuffer().put(values);
        var weight = new Tensor("wide", Encoding.F32, Shape.of(1, 4), MemorySegment.ofArray(bytes.array()));

        LinearOperator linear = kernels.linear(weight, PackedFormat.F16, ActivationPrecision.FLOAT32, arena);

        float[] row = new float[4];
        linear.row(0, row, 0);
        assertThat(row).containsExactly(values);
    }

    @ParameterizedTest
    @CsvSource({
        "F32, F32, FLOAT32",
        "F16, F16, INT8",
        "BF16, BF16, FLOAT32",
        "Q8_0, INT8, FLOAT32",
        "Q4_0, INT4, FLOAT32",
        "Q8_0, INT8, INT8",
        "Q4_0, INT4, INT8"
    })
    void multiplies(Encoding encoding, PackedFormat format, ActivationPrecision precision) {
        int rows = 45;
        int columns = 96;
        Tensor weight = Sample.matrix(encoding, rows, columns, 3);
        float[] decoded = Sample.decoded(weight);
        Activations in = Sample.activations(3, columns, 4);
        var out = new Activations(3, rows);

        kernels.linear(weight, format, precision, arena).apply(in, out);

        boolean rounded = precision == ActivationPrecision.INT8 && format != PackedFormat.F16;
        for (int token = 0; token < 3; token++) {
            for (int row = 0; row < rows; row++) {
                double sum = 0;
                double magnitude = 0;
                for (int column = 0; column < columns; column++) {
                    double product =
                            (double) decoded[row * columns + column] * in.values()[token * in.stride() + column];
                    sum += product;
                    magnitude += Math.abs(product);
                }
                double tolerance = magnitude * (rounded ? 0.02 : 1e-6);
                assertThat((double) out.values()[token * out.stride() + row]).isCloseTo(sum, within(tolerance));
            }
        }
    }

    @ParameterizedTest
    @EnumSource(RopePairing.class)
    void ropeKeepsAnglesRelative(RopePairing pairing) {
        double[] frequencies = new double[8];
        java.util.Arrays.setAll(frequencies, i -> Math.pow(10_000, -i / 8.0));
        var table = new RopeTable(frequencies, 1);
        var batch = new TokenBatch(MemorySegment.NULL, 4, 1);
        batch.addSequence(new long[] {0});
        for (int position : new int[] {3, 10, 103, 110}) {
            batch.addToken(0, position);
        }
        Activations x = Sample.activations(4, 16, 5);
        for (int i = 0; i < 16; i++) {
            x.values()[2 * x.stride() + i] = x.values()[i];
            x.values()[3 * x.stride() + i] = x.values()[x.stride() + i];
        }

        kernels.rope(x, 16, table, pairing, batch);

        double near = dot(x, 0, 1);
        double far = dot(x, 2, 3);
        assertThat(far).isCloseTo(near, within(1e-4));
        assertThat(x.values()[0]).isNotEqualTo(x.values()[2 * x.stride()]);
    }

    private static double dot(Activations x, int a, int b) {
        double sum = 0;
        for (int i = 0; i < x.columns(); i++) {
            sum += (double) x.values()[a * x.stride() + i] * x.values()[b * x.stride() + i];
        }
        return sum;
    }
}
