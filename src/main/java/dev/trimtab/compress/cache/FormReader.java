package dev.trimtab.compress.cache;

import dev.trimtab.checkpoint.io.ByteReader;
import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.tensor.Encoding;
import dev.trimtab.tensor.Shape;
import dev.trimtab.tensor.Tensor;
import dev.trimtab.tensor.TensorForm;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Optional;

/// Reads a form that [FormWriter] wrote. Layout, little-endian, behind the head of a
/// [dev.trimtab.checkpoint.cache.CachedFile]:
///
/// 1. *form*: u8 kind, then by kind
///    1. dense: a tensor
///    2. codebook: shape, u8 bits, u64 rows of a book, u64 count and f32 centroids, u64 count and u8 indices
///    3. product of low rank: the form of the left factor, the form of the right one
///    4. vector-sparse: shape, u64 count and u32 starts, u64 count and u32 columns, the tensor of lines
///    5. sum: the form of the base, the form of the correction
/// 2. *tensor*: encoding (u64 length, its name in UTF-8), shape, u64 size, so many bytes
/// 3. *shape*: u8 rank, u64 extents
///
/// Names of tensors are not in it: equal content has one entry, whatever it is called.
final class FormReader {
    static final int DENSE = 1;
    static final int CODEBOOK = 2;
    static final int LOW_RANK = 3;
    static final int VECTOR_SPARSE = 4;
    static final int SUM = 5;

    /// A sum of a product and a product, of which no part is another one, nests three deep.
    private static final int DEPTH_MAX = 4;

    /// Far more than one Java array holds.
    private static final long ELEMENTS_MAX = 1L << 36;

    private static final int ENCODING_LENGTH_MAX = 32;

    private final ByteReader reader;
    private final String name;

    /// @param name of every tensor that is read
    FormReader(ByteReader reader, String name) {
        this.reader = reader;
        this.name = name;
    }

    /// @throws BadCheckpoint for whatever [FormWriter] does not write
    TensorForm form() {
        return form(1);
    }

    private TensorForm form(int depth) {
        if (depth > DEPTH_MAX) {
            throw reader.mismatch("form", "at most " + DEPTH_MAX + " within each other", depth);
        }
        byte kind = reader.int8("kind of form");
        return switch (kind) {
            case DENSE -> new TensorForm.Dense(tensor());
            case CODEBOOK -> codebook();
            case LOW_RANK -> product(form(depth + 1), form(depth + 1));
            case VECTOR_SPARSE -> vectorSparse();
            case SUM -> sum(form(depth + 1), form(depth + 1));
            default -> throw reader.mismatch("kind of form", DENSE + ".." + SUM, kind);
        };
    }

    private TensorForm product(TensorForm left, TensorForm right) {
        matrix(left.shape());
        matrix(right.shape());
        check("rank of the right factor", left.shape().columns(), right.shape().rows());
        return new TensorForm.LowRank(left, right);
    }

    private TensorForm sum(TensorForm base, TensorForm correction) {
        if (!correction.shape().equals(base.shape())) {
            throw reader.mismatch("shape of the correction", base.shape(), correction.shape());
        }
        return new TensorForm.Sum(base, correction);
    }

    private TensorForm codebook() {
        Shape shape = matrix(shape());
        int bits = reader.int8("bits");
        if (bits < 1 || bits > Byte.SIZE) {
            throw reader.mismatch("bits", "1..8", bits);
        }
        long rowsPerBook = reader.int64("rows of a book");
        if (rowsPerBook < 1 || rowsPerBook > Integer.MAX_VALUE) {
            throw reader.mismatch("rows of a book", "1 or more", rowsPerBook);
        }
        float[] centroids = new float[reader.count("centroids", Integer.MAX_VALUE, Float.BYTES)];
        check("centroids", Math.ceilDiv(shape.rows(), rowsPerBook) << bits, centroids.length);
        for (int i = 0; i < centroids.length; i++) {
            centroids[i] = Float.intBitsToFloat(reader.int32("centroid"));
        }
        int count = reader.count("indices", Integer.MAX_VALUE, 1);
        check("indices", shape.elements(), count);
        byte[] indices = reader.bytes("indices", count).toArray(ValueLayout.JAVA_BYTE);
        for (byte index : indices) {
            if (Byte.toUnsignedInt(index) >>> bits != 0) {
                throw reader.mismatch("index", "below " + (1 << bits), Byte.toUnsignedInt(index));
            }
        }
        return new TensorForm.Codebook(shape, bits, (int) rowsPerBook, centroids, indices);
    }

    private TensorForm vectorSparse() {
        Shape shape = matrix(shape());
        int[] starts = integers("starts");
        int[] columns = integers("columns");
        check("starts", Math.ceilDiv(shape.rows(), TensorForm.VectorSparse.PANEL) + 1, starts.length);
        check("first start", 0, starts[0]);
        check("last start", columns.length, starts[starts.length - 1]);
        for (int panel = 0; panel + 1 < starts.length; panel++) {
            checkPanel(starts[panel], starts[panel + 1], columns, shape.columns());
        }
        Tensor lines = tensor();
        if (!lines.shape().equals(Shape.of(columns.length, TensorForm.VectorSparse.PANEL))) {
            throw reader.mismatch("shape of the lines", columns.length + " of a panel", lines.shape());
        }
        return new TensorForm.VectorSparse(shape, starts, columns, lines);
    }

    private void checkPanel(int from, int to, int[] columns, long width) {
        if (from >= to || to > columns.length) {
            throw reader.mismatch("start", "above " + from + ", at most " + columns.length, to);
        }
        int last = -1;
        for (int i = from; i < to; i++) {
            if (columns[i] <= last || columns[i] >= width) {
                throw reader.mismatch("column", "above " + last + ", below " + width, columns[i]);
            }
            last = columns[i];
        }
    }

    private Tensor tensor() {
        String spelled = reader.strictString("encoding", ENCODING_LENGTH_MAX);
        Optional<Encoding> found = Arrays.stream(Encoding.values())
                .filter(encoding -> encoding.name().equals(spelled))
                .findFirst();
        Encoding encoding = found.orElseThrow(() -> reader.mismatch("encoding", "a known one", spelled));
        Shape shape = shape();
        if (shape.columns() % encoding.blockElements() != 0) {
            throw reader.mismatch("columns", "whole blocks of " + encoding.blockElements(), shape.columns());
        }
        long size = reader.int64("size");
        check("size", encoding.sizeBytes(shape.elements()), size);
        return new Tensor(name, encoding, shape, reader.bytes("data", size).asReadOnly());
    }

    private int[] integers(String what) {
        int[] values = new int[reader.count(what, Integer.MAX_VALUE, Integer.BYTES)];
        for (int i = 0; i < values.length; i++) {
            values[i] = reader.int32(what);
        }
        return values;
    }

    private Shape shape() {
        int rank = reader.int8("rank");
        if (rank < 1 || rank > Shape.RANK_MAX) {
            throw reader.mismatch("rank", "1.." + Shape.RANK_MAX, rank);
        }
        long[] extents = new long[rank];
        long elements = 1;
        for (int i = 0; i < rank; i++) {
            extents[i] = reader.int64("extent");
            if (extents[i] < 1 || extents[i] > ELEMENTS_MAX / elements) {
                throw reader.mismatch("extent", "1 or more, of at most " + ELEMENTS_MAX + " elements", extents[i]);
            }
            elements *= extents[i];
        }
        return Shape.of(extents);
    }

    private Shape matrix(Shape shape) {
        check("rank", 2, shape.rank());
        return shape;
    }

    private void check(String what, long expected, long found) {
        if (expected != found) {
            throw reader.mismatch(what, expected, found);
        }
    }
}
