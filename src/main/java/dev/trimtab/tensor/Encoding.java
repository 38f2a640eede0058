package dev.trimtab.tensor;

import java.util.Optional;

/// The numeric storage format of a tensor's bytes: elements come in blocks of [#blockElements()] that
/// take [#blockBytes()] bytes each. Numbers and names are ggml's (`enum ggml_type`, `ggml-common.h`);
/// the rest are those of safetensors' dtypes that ggml lacks, and at the end a few of our own, for codes that
/// the kernels have and no file format: blocks of 32 with a scale as [CodeBlocks] and [TableBlocks] say. They
/// are what compression makes; a file never names them.
///
/// Which encodings can be decoded is [Dequantizer]'s to say; here stands every one that a file can name,
/// so that a refusal can name it too and so that sizes can be checked before anything is read.
public enum Encoding {
    F32(0, 1, 4),
    F16(1, 1, 2),
    Q4_0(2, 32, 18),
    Q4_1(3, 32, 20),
    Q5_0(6, 32, 22),
    Q5_1(7, 32, 24),
    Q8_0(8, 32, 34),
    Q8_1(9, 32, 36),
    Q2_K(10, 256, 84),
    Q3_K(11, 256, 110),
    Q4_K(12, 256, 144),
    Q5_K(13, 256, 176),
    Q6_K(14, 256, 210),
    Q8_K(15, 256, 292),
    IQ2_XXS(16, 256, 66),
    IQ2_XS(17, 256, 74),
    IQ3_XXS(18, 256, 98),
    IQ1_S(19, 256, 50),
    IQ4_NL(20, 32, 18),
    IQ3_S(21, 256, 110),
    IQ2_S(22, 256, 82),
    IQ4_XS(23, 256, 136),
    I8(24, 1, 1),
    I16(25, 1, 2),
    I32(26, 1, 4),
    I64(27, 1, 8),
    F64(28, 1, 8),
    IQ1_M(29, 256, 56),
    BF16(30, 1, 2),
    TQ1_0(34, 256, 54),
    TQ2_0(35, 256, 66),
    MXFP4(39, 32, 17),
    NVFP4(40, 64, 36),
    Q1_0(41, 128, 18),
    Q2_0(42, 64, 18),
    U8(Encoding.NO_GGML_ID, 1, 1),
    U16(Encoding.NO_GGML_ID, 1, 2),
    U32(Encoding.NO_GGML_ID, 1, 4),
    U64(Encoding.NO_GGML_ID, 1, 8),
    BOOL(Encoding.NO_GGML_ID, 1, 1),
    C64(Encoding.NO_GGML_ID, 1, 8),
    F8_E4M3(Encoding.NO_GGML_ID, 1, 1),
    F8_E5M2(Encoding.NO_GGML_ID, 1, 1),
    F8_E4M3FNUZ(Encoding.NO_GGML_ID, 1, 1),
    F8_E5M2FNUZ(Encoding.NO_GGML_ID, 1, 1),
    F8_E8M0(Encoding.NO_GGML_ID, 1, 1),
    F6_E2M3(Encoding.NO_GGML_ID, 4, 3),
    F6_E3M2(Encoding.NO_GGML_ID, 4, 3),
    F4(Encoding.NO_GGML_ID, 2, 1),
    INT2(Encoding.NO_GGML_ID, 32, 10),
    INT2_MINIMUM(Encoding.NO_GGML_ID, 32, 12),
    INT3(Encoding.NO_GGML_ID, 32, 14),
    INT3_MINIMUM(Encoding.NO_GGML_ID, 32, 16),
    INT6(Encoding.NO_GGML_ID, 32, 26),
    INT6_MINIMUM(Encoding.NO_GGML_ID, 32, 28),
    INT8_MINIMUM(Encoding.NO_GGML_ID, 32, 36),
    MXFP8_E4M3(Encoding.NO_GGML_ID, 32, 33),
    MXFP8_E5M2(Encoding.NO_GGML_ID, 32, 33);

    private static final int NO_GGML_ID = -1;

    private final int ggmlId;
    private final int blockElements;
    private final int blockBytes;

    Encoding(int ggmlId, int blockElements, int blockBytes) {
        this.ggmlId = ggmlId;
        this.blockElements = blockElements;
        this.blockBytes = blockBytes;
    }

    /// The encoding with ggml's number `id`; empty for numbers never given, or given to a removed one.
    public static Optional<Encoding> ofGgmlId(int id) {
        for (Encoding encoding : values()) {
            if (encoding.hasGgmlId() && encoding.ggmlId == id) {
                return Optional.of(encoding);
            }
        }
        return Optional.empty();
    }

    /// Whether GGUF can hold it.
    public boolean hasGgmlId() {
        return ggmlId != NO_GGML_ID;
    }

    /// Its number in GGUF; -1 where there is none.
    public int ggmlId() {
        return ggmlId;
    }

    /// Elements in a block; a row's length must be a multiple of it (of `F4` and `F6`, the whole
    /// tensor's).
    public int blockElements() {
        return blockElements;
    }

    /// Bytes in a block.
    public int blockBytes() {
        return blockBytes;
    }

    /// Bytes of `elements` elements, which must be whole blocks.
    ///
    /// @throws ArithmeticException when the size does not fit a `long`
    public long sizeBytes(long elements) {
        assert elements % blockElements == 0 : elements;
        return Math.multiplyExact(elements / blockElements, blockBytes);
    }

    /// Bits of file for one weight, scales included.
    public double bitsPerWeight() {
        return 8.0 * blockBytes / blockElements;
    }
}
