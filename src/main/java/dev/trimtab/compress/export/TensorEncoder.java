package dev.trimtab.compress.export;

import dev.trimtab.kernel.ComputePool;
import dev.trimtab.kernel.PackedFormat;
import dev.trimtab.kernel.PackedMatrix;
import dev.trimtab.tensor.CodeScales;
import dev.trimtab.tensor.Encoding;
import dev.trimtab.tensor.Shape;
import dev.trimtab.tensor.Tensor;
import dev.trimtab.tensor.TensorForm;
import dev.trimtab.tensor.quantize.CodeGrid;
import dev.trimtab.tensor.quantize.CodeKind;
import dev.trimtab.tensor.quantize.CodeQuantizer;
import dev.trimtab.tensor.quantize.Quantizer;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/// Turns forms into tensors of files.
///
/// @param pool works on rows
/// @param arena holds what is made
record TensorEncoder(ComputePool pool, Arena arena) {
    /// From here on a number rounds to infinity in f16.
    private static final float F16_LIMIT = 65_520;

    /// `form` as the tensor `name`.
    Tensor encode(String name, TensorForm form, FileEncoding how) {
        return switch (how) {
            case FileEncoding.AsMade _ -> renamed(name, dense(form));
            case FileEncoding.SameCodes(PackedFormat format, Encoding encoding) ->
                sameCodes(name, dense(form), format, encoding);
            case FileEncoding.Rounded(String _, Encoding encoding) -> rounded(name, form, encoding);
        };
    }

    private static Tensor dense(TensorForm form) {
        return ((TensorForm.Dense) form).tensor();
    }

    static Tensor renamed(String name, Tensor tensor) {
        return new Tensor(name, tensor.encoding(), tensor.shape(), tensor.data());
    }

    /// In F32 where F16 was asked for and a number is beyond it.
    Tensor rounded(String name, TensorForm form, Encoding encoding) {
        Shape shape = form.shape();
        int rows = Math.toIntExact(shape.rows());
        int columns = Math.toIntExact(shape.columns());
        long rowBytes = encoding.sizeBytes(columns);
        MemorySegment data = arena.allocate(rows * rowBytes);
        boolean[] overflows = new boolean[rows];
        pool.run(rows, 1, (from, to) -> {
            float[] values = new float[columns];
            for (int row = from; row < to; row++) {
                form.row(row, values, 0);
                overflows[row] = overflows(values);
                Quantizer.encode(encoding, values, data, row * rowBytes);
            }
        });
        for (boolean overflow : overflows) {
            if (overflow && encoding == Encoding.F16) {
                return rounded(name, form, Encoding.F32);
            }
        }
        return new Tensor(name, encoding, shape, data);
    }

    private static boolean overflows(float[] values) {
        for (float value : values) {
            if (Math.abs(value) >= F16_LIMIT) {
                return true;
            }
        }
        return false;
    }

    /// What `packed` decodes to.
    Tensor values(String name, PackedMatrix packed) {
        int columns = packed.columns();
        MemorySegment data = arena.allocate(Encoding.F32.sizeBytes((long) packed.rows() * columns));
        pool.run(packed.rows(), 1, (from, to) -> {
            float[] values = new float[columns];
            for (int row = from; row < to; row++) {
                packed.row(row, values, 0);
                Quantizer.encode(Encoding.F32, values, data, Encoding.F32.sizeBytes((long) row * columns));
            }
        });
        return new Tensor(name, Encoding.F32, Shape.of(packed.rows(), columns), data);
    }

    /// The codes stand for the same weights in `encoding`, which has at least as many bits: centres differ.
    private Tensor sameCodes(String name, Tensor tensor, PackedFormat format, Encoding encoding) {
        CodeScales scales = CodeScales.of(encoding);
        CodeKind kind =
                new CodeKind(scales.codeBits(), scales.hasMinimum() ? CodeKind.Zero.MINIMUM : CodeKind.Zero.CENTRED);
        int shift = format.isAsymmetric() ? 0 : (1 << (kind.bits() - 1)) - (1 << (format.codeBits() - 1));
        MemorySegment data = arena.allocate(encoding.sizeBytes(tensor.shape().elements()));
        try (Arena packing = Arena.ofShared()) {
            PackedMatrix packed = PackedMatrix.pack(tensor, format, pool, packing);
            int blocks = packed.columns() / CodeQuantizer.BLOCK;
            CodeQuantizer quantizer = new CodeQuantizer(kind);
            pool.run(packed.rows(), 1, (from, to) -> {
                byte[] codes = new byte[CodeQuantizer.BLOCK];
                for (int i = from * blocks; i < to * blocks; i++) {
                    int row = i / blocks;
                    int block = i % blocks;
                    packed.codes(row, block, codes);
                    for (int j = 0; j < codes.length; j++) {
                        codes[j] += (byte) shift;
                    }
                    float minimum = format.isAsymmetric() ? packed.minimum(row, block) : 0;
                    CodeGrid grid = new CodeGrid(kind, packed.scale(row, block), minimum);
                    quantizer.write(grid, codes, 0, data, (long) i * encoding.blockBytes());
                }
            });
        }
        return new Tensor(name, encoding, tensor.shape(), data);
    }
}
