package dev.trimtab.kernel.vector;

import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/// The vector width of this process: the widest the processor has, or less where the system property
/// `kernel.vector.bits` (128, 256, 512) says so, which is for tests. Constants, because the compiler turns a
/// vector operation into an instruction only when the species is one.
///
/// THE CLIFF, and the rule it makes: no method of ours takes or returns a vector. C2 inlines the Vector API's
/// methods always, for they are marked so, but ours only until a compilation has made some 18,000 nodes
/// (NodeCountInliningCutoff), which a kernel of 60 operations reaches, and never once the callee has been
/// compiled to more than 2,500 bytes on its own (InlineSmallCode). One call that stays a call boxes its
/// vectors, and the kernel runs 20 to 1000 times slower. So kernels are flat, and repeat themselves.
///
/// A kernel's lanes are the rows of a tile. Where 16-bit lanes widen to 32, even and odd lanes part (shifts,
/// no shuffle); [PackedMatrix#lane] places rows so that the even lanes are the first half of a tile's rows.
public final class Lanes {
    private static final int PREFERRED = FloatVector.SPECIES_PREFERRED.vectorBitSize();

    /// Bits of a vector.
    public static final int BITS = Math.min(PREFERRED, Integer.getInteger("kernel.vector.bits", PREFERRED));

    public static final VectorSpecies<Float> FLOATS =
            FloatVector.SPECIES_PREFERRED.withShape(VectorShape.forBitSize(BITS));
    public static final VectorSpecies<Integer> INTS =
            IntVector.SPECIES_PREFERRED.withShape(VectorShape.forBitSize(BITS));
    static final VectorSpecies<Short> SHORTS = ShortVector.SPECIES_PREFERRED.withShape(VectorShape.forBitSize(BITS));

    /// As many lanes as [#SHORTS], to be widened to it.
    static final VectorSpecies<Byte> BYTES = ByteVector.SPECIES_PREFERRED.withShape(VectorShape.forBitSize(BITS / 2));

    /// As many lanes as [#INTS], to be widened to it.
    static final VectorSpecies<Short> HALF_SHORTS =
            ShortVector.SPECIES_PREFERRED.withShape(VectorShape.forBitSize(BITS / 2));

    public static final int FLOAT_LANES = FLOATS.length();
    static final int SHORT_LANES = SHORTS.length();

    static final ByteOrder LITTLE_ENDIAN = ByteOrder.LITTLE_ENDIAN;

    /// An f16 in the upper half of an int becomes `value / F16_SCALE` as an f32 when it is shifted right by 3
    /// (arithmetically) and these bits of it are kept: sign, exponent and mantissa are then where f32 has
    /// them.
    static final int F16_BITS = 0x8fffe000;

    /// The exponents' biases differ by 112. The multiplication is exact, and right for subnormal halves too;
    /// infinities and NaN do not come here.
    static final float F16_SCALE = 0x1p112f;

    /// The upper half of an int: a short there converts as 2^16 times its value, exactly, and spares the
    /// shift down.
    static final int UPPER = 0xffff0000;

    /// [#F16_SCALE] for such sums.
    static final float UPPER_SCALE = F16_SCALE * 0x1p-16f;

    private Lanes() {}

    /// One, by a detour that the compiler does not see through, for a count that is never under one. A loop
    /// of unknown step is not unrolled, and a loop over weights had better not be: unrolled eight times, each
    /// load instruction meets every eighth line only, the processor's prefetchers lose the stream, and memory
    /// is read half as fast (F32 on Zen 4: 9 GB/s against 19 on one thread). In cache nothing is lost: the
    /// processor overlaps rounds by itself.
    static int one(int count) {
        return Math.min(1, count);
    }
}
