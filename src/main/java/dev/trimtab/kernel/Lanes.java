package dev.trimtab.kernel;

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
/// A kernel's lanes are the rows of a tile. Where 16-bit lanes widen to 32, even and odd lanes part (shifts,
/// no shuffle); [PackedMatrix#lane] places rows so that the even lanes are the first half of a tile's rows.
final class Lanes {
    private static final int PREFERRED = FloatVector.SPECIES_PREFERRED.vectorBitSize();

    /// Bits of a vector.
    static final int BITS = Math.min(PREFERRED, Integer.getInteger("kernel.vector.bits", PREFERRED));

    static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED.withShape(VectorShape.forBitSize(BITS));
    static final VectorSpecies<Integer> INTS = IntVector.SPECIES_PREFERRED.withShape(VectorShape.forBitSize(BITS));
    static final VectorSpecies<Short> SHORTS = ShortVector.SPECIES_PREFERRED.withShape(VectorShape.forBitSize(BITS));

    /// As many lanes as [#SHORTS], to be widened to it.
    static final VectorSpecies<Byte> BYTES = ByteVector.SPECIES_PREFERRED.withShape(VectorShape.forBitSize(BITS / 2));

    /// As many lanes as [#INTS], to be widened to it.
    static final VectorSpecies<Short> HALF_SHORTS =
            ShortVector.SPECIES_PREFERRED.withShape(VectorShape.forBitSize(BITS / 2));

    static final int FLOAT_LANES = FLOATS.length();
    static final int SHORT_LANES = SHORTS.length();

    static final ByteOrder LITTLE_ENDIAN = ByteOrder.LITTLE_ENDIAN;

    private Lanes() {}
}
