package dev.trimtab.compress.quantize;

import dev.trimtab.compress.matrix.Matrix;
import dev.trimtab.tensor.Encoding;
import dev.trimtab.tensor.Shape;
import dev.trimtab.tensor.Tensor;
import dev.trimtab.tensor.TensorForm;
import dev.trimtab.tensor.quantize.CodeGrid;
import dev.trimtab.tensor.quantize.CodeKind;
import dev.trimtab.tensor.quantize.CodeQuantizer;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/// Integer codes in groups: a grid for each group of columns of each row.
final class GridTable implements Levels {
    private final QuantizeScheme.Codes scheme;
    private final String name;
    private final int groupColumns;
    private final int groups;
    private final CodeGrid[] grids;

    /// Chooses the grid of the group `weights[from .. from + count)` of a row, whose index is the column.
    @FunctionalInterface
    interface Fit {
        CodeGrid grid(CodeKind kind, float[] weights, int from, int count);
    }

    private GridTable(QuantizeScheme.Codes scheme, String name, Matrix matrix) {
        this.scheme = scheme;
        this.name = name;
        this.groupColumns = scheme.groupColumns(matrix.columns());
        this.groups = Math.ceilDiv(matrix.columns(), groupColumns);
        this.grids = new CodeGrid[matrix.rows() * groups];
    }

    /// Fits every group of `job`'s matrix.
    static GridTable of(QuantizeJob job, QuantizeScheme.Codes scheme, Fit fit) {
        Matrix matrix = job.matrix();
        GridTable table = new GridTable(scheme, job.name(), matrix);
        RowWork.run(matrix, job.pool(), _ -> {}, (from, to) -> {
            float[] row = new float[matrix.columns()];
            for (int r = from; r < to; r++) {
                System.arraycopy(matrix.values(), r * matrix.columns(), row, 0, row.length);
                table.fitRow(r, row, fit);
            }
        });
        return table;
    }

    private void fitRow(int row, float[] weights, Fit fit) {
        for (int group = 0; group < groups; group++) {
            int from = group * groupColumns;
            int count = Math.min(groupColumns, weights.length - from);
            grids[row * groups + group] = fit.grid(scheme.kind(), weights, from, count);
        }
    }

    /// The fit of [CodeKind#search] with one importance a column; a group of no importance is fitted as if all its
    /// columns had one.
    static Fit weighted(float[] importance) {
        float[] ones = new float[importance.length];
        Arrays.fill(ones, 1);
        return (kind, weights, from, count) -> {
            float total = 0;
            for (int i = from; i < from + count; i++) {
                total += importance[i];
            }
            return kind.search(weights, total > 0 ? importance : ones, from, count);
        };
    }

    private CodeGrid grid(int row, int column) {
        return grids[row * groups + column / groupColumns];
    }

    @Override
    public int nearest(int row, int column, float weight) {
        return grid(row, column).code(weight);
    }

    @Override
    public float value(int row, int column, int code) {
        return grid(row, column).value(code);
    }

    @Override
    public TensorForm form(Matrix matrix, byte[] codes) {
        Encoding encoding = scheme.kind().encoding();
        byte[] bytes = new byte[Math.toIntExact(encoding.sizeBytes(codes.length))];
        MemorySegment out = MemorySegment.ofArray(bytes);
        CodeQuantizer writer = new CodeQuantizer(scheme.kind());
        for (int first = 0; first < codes.length; first += CodeQuantizer.BLOCK) {
            CodeGrid grid = grid(first / matrix.columns(), first % matrix.columns());
            writer.write(grid, codes, first, out, (long) first / CodeQuantizer.BLOCK * encoding.blockBytes());
        }
        Shape shape = matrix.shape();
        return new TensorForm.Dense(new Tensor(name, encoding, shape, out.asReadOnly()));
    }
}
