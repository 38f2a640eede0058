package dev.trimtab.tensor;

import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.Unsupported;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;

/// Decodes the bytes of a tensor to floats, a plain loop per encoding: the reference that packing and
/// tests stand on.
///
/// Layouts are ggml's (`ggml-common.h`), all numbers little-endian; each stands at its family:
/// [PlainValues], [SmallFloats], [ClassicBlocks], [CodeBlocks], [KQuantBlocks], [TableBlocks],
/// [FewBitBlocks], [GridBlocks], [DeltaGridBlocks]. Results equal ggml's bit for bit.
///
/// Nothing decodes `Q8_1` and `Q8_K`, which ggml makes of activations only, nor what safetensors can
/// hold but weights are not kept in: wide unsigned and complex numbers, `F4` and `F6` without their
/// scales.
public final class Dequantizer {
    private static final int INFINITY_BITS = Float.floatToRawIntBits(Float.POSITIVE_INFINITY);

    private static final Map<Encoding, Decoder> DECODERS = new EnumMap<>(Encoding.class);

    static {
        Arrays.stream(Encoding.values())
                .forEach(encoding -> decoder(encoding).ifPresent(decoder -> DECODERS.put(encoding, decoder)));
    }

    /// Decodes a run of elements: whole blocks.
    @FunctionalInterface
    private interface Decoder {
        void decode(MemorySegment bytes, long at, float[] out, int to, int count);
    }

    private Dequantizer() {}

    /// Whether [#decode] knows `encoding`.
    public static boolean canDecode(Encoding encoding) {
        return DECODERS.containsKey(encoding);
    }

    /// Decodes `count` elements that begin at byte `offset` of `bytes` into `out[outOffset ..]`.
    ///
    /// `count` and the position must be whole blocks of the encoding.
    ///
    /// @throws Unsupported for an encoding that [#canDecode] denies
    public static void decode(
            Encoding encoding, MemorySegment bytes, long offset, float[] out, int outOffset, int count) {
        Decoder decoder = DECODERS.get(encoding);
        if (decoder == null) {
            throw new Unsupported("encoding " + encoding + " cannot be decoded");
        }
        assert count % encoding.blockElements() == 0 : count;
        decoder.decode(bytes, offset, out, outOffset, count);
    }

    /// Decodes row `row` of a matrix into `out[outOffset .. outOffset + columns)`.
    public static void decodeRow(Tensor tensor, long row, float[] out, int outOffset) {
        long columns = tensor.shape().columns();
        long rowBytes = tensor.encoding().sizeBytes(columns);
        decode(tensor.encoding(), tensor.data(), row * rowBytes, out, outOffset, Math.toIntExact(columns));
    }

    /// As [#decodeRow] for weights, which are finite.
    ///
    /// @throws BadCheckpoint with tensor, row and column of a number that is not
    public static void decodeWeights(Tensor tensor, long row, float[] out, int outOffset) {
        decodeRow(tensor, row, out, outOffset);
        requireFinite(
                tensor.name(),
                row,
                out,
                outOffset,
                Math.toIntExact(tensor.shape().columns()));
    }

    /// Checks row `row` of the weight `name`, which is `values[from .. from + columns)`.
    ///
    /// @throws BadCheckpoint with tensor, row and column of a number that is not finite
    public static void requireFinite(String name, long row, float[] values, int from, int columns) {
        int largest = 0;
        for (int i = from; i < from + columns; i++) {
            largest = Math.max(largest, Float.floatToRawIntBits(values[i]) & Integer.MAX_VALUE);
        }
        if (largest >= INFINITY_BITS) {
            int column = 0;
            while (Float.isFinite(values[from + column])) {
                column++;
            }
            throw BadCheckpoint.mismatch(
                    "tensor " + name + ": row " + row + ", column " + column, "a finite number", values[from + column]);
        }
    }

    private static Optional<Decoder> decoder(Encoding encoding) {
        return switch (encoding) {
            case F32 -> Optional.of(PlainValues::f32);
            case F16 -> Optional.of(PlainValues::f16);
            case BF16 -> Optional.of(PlainValues::bf16);
            case F64 -> Optional.of(PlainValues::f64);
            case I8 -> Optional.of(PlainValues::i8);
            case I16 -> Optional.of(PlainValues::i16);
            case I32 -> Optional.of(PlainValues::i32);
            case I64 -> Optional.of(PlainValues::i64);
            case U8, BOOL -> Optional.of(PlainValues::u8);
            case F8_E4M3 -> Optional.of(SmallFloats.E4M3::decode);
            case F8_E5M2 -> Optional.of(SmallFloats.E5M2::decode);
            case F8_E4M3FNUZ -> Optional.of(SmallFloats.E4M3FNUZ::decode);
            case F8_E5M2FNUZ -> Optional.of(SmallFloats.E5M2FNUZ::decode);
            case F8_E8M0 -> Optional.of(SmallFloats.E8M0::decode);
            case Q4_0 -> blocks(encoding, ClassicBlocks::q40);
            case Q4_1 -> blocks(encoding, ClassicBlocks::q41);
            case Q5_0 -> blocks(encoding, ClassicBlocks::q50);
            case Q5_1 -> blocks(encoding, ClassicBlocks::q51);
            case Q8_0 -> blocks(encoding, ClassicBlocks::q80);
            case Q2_K -> blocks(encoding, KQuantBlocks::q2k);
            case Q3_K -> blocks(encoding, KQuantBlocks::q3k);
            case Q4_K -> blocks(encoding, KQuantBlocks::q4k);
            case Q5_K -> blocks(encoding, KQuantBlocks::q5k);
            case Q6_K -> blocks(encoding, KQuantBlocks::q6k);
            case IQ2_XXS -> blocks(encoding, GridBlocks::iq2xxs);
            case IQ2_XS -> blocks(encoding, GridBlocks::iq2xs);
            case IQ2_S -> blocks(encoding, GridBlocks::iq2s);
            case IQ3_XXS -> blocks(encoding, GridBlocks::iq3xxs);
            case IQ3_S -> blocks(encoding, GridBlocks::iq3s);
            case IQ1_S -> blocks(encoding, DeltaGridBlocks::iq1s);
            case IQ1_M -> blocks(encoding, DeltaGridBlocks::iq1m);
            case IQ4_NL -> blocks(encoding, TableBlocks::iq4nl);
            case IQ4_XS -> blocks(encoding, TableBlocks::iq4xs);
            case MXFP4 -> blocks(encoding, TableBlocks::mxfp4);
            case NVFP4 -> blocks(encoding, TableBlocks::nvfp4);
            case TQ1_0 -> blocks(encoding, FewBitBlocks::tq10);
            case TQ2_0 -> blocks(encoding, FewBitBlocks::tq20);
            case Q1_0 -> blocks(encoding, FewBitBlocks::q10);
            case Q2_0 -> blocks(encoding, FewBitBlocks::q20);
            case INT2 -> blocks(encoding, CodeBlocks.centred(2));
            case INT3 -> blocks(encoding, CodeBlocks.centred(3));
            case INT6 -> blocks(encoding, CodeBlocks.centred(6));
            case INT2_MINIMUM -> blocks(encoding, CodeBlocks.withMinimum(2));
            case INT3_MINIMUM -> blocks(encoding, CodeBlocks.withMinimum(3));
            case INT6_MINIMUM -> blocks(encoding, CodeBlocks.withMinimum(6));
            case INT8_MINIMUM -> blocks(encoding, CodeBlocks.withMinimum(8));
            case MXFP8_E4M3 -> blocks(encoding, SmallFloats.E4M3::scaled);
            case MXFP8_E5M2 -> blocks(encoding, SmallFloats.E5M2::scaled);
            case Q8_1, Q8_K, U16, U32, U64, C64, F6_E2M3, F6_E3M2, F4 -> Optional.empty();
        };
    }

    private static Optional<Decoder> blocks(Encoding encoding, BlockDecoder block) {
        int elements = encoding.blockElements();
        int blockBytes = encoding.blockBytes();
        return Optional.of((bytes, at, out, to, count) -> {
            long next = at;
            for (int i = 0; i < count; i += elements) {
                block.decode(bytes, next, out, to + i);
                next += blockBytes;
            }
        });
    }
}
