package dev.trimtab.tokenizer;

import java.util.Arrays;
import java.util.BitSet;
import java.util.OptionalInt;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/// The tokens that no part of a vocabulary can be without: all but ordinary and unused ones, those that mean something
/// to whoever builds prompts or generates, the mark of a space, and single characters, unless every byte has a token
/// of its own. With them any text can be encoded that could be before.
final class Indispensable {
    private static final int BYTES = 1 << Byte.SIZE;

    private Indispensable() {}

    static BitSet of(Vocabulary vocabulary) {
        BitSet ids = new BitSet(vocabulary.size());
        boolean hasBytes = bytes(vocabulary) == BYTES;
        for (int id = 0; id < vocabulary.size(); id++) {
            String piece = vocabulary.piece(id);
            switch (vocabulary.kind(id)) {
                case UNKNOWN, CONTROL, USER_DEFINED, BYTE -> ids.set(id);
                case NORMAL -> ids.set(id, isCharacter(piece) && (!hasBytes || isSpace(piece)));
                case UNUSED -> {}
            }
        }
        Stream.of(vocabulary.bos(), vocabulary.eos(), vocabulary.eot(), vocabulary.unknown(), vocabulary.padding())
                .flatMapToInt(OptionalInt::stream)
                .forEach(ids::set);
        Arrays.stream(vocabulary.endOfGeneration()).forEach(ids::set);
        return ids;
    }

    private static long bytes(Vocabulary vocabulary) {
        return IntStream.range(0, vocabulary.size())
                .filter(id -> vocabulary.kind(id) == Vocabulary.Kind.BYTE)
                .map(id -> vocabulary.bytes(id)[0])
                .distinct()
                .count();
    }

    private static boolean isCharacter(String piece) {
        return !piece.isEmpty() && piece.offsetByCodePoints(0, 1) == piece.length();
    }

    private static boolean isSpace(String piece) {
        return piece.charAt(0) == Vocabulary.SPACE_MARK || piece.charAt(0) == ' ';
    }
}
