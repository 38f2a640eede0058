package dev.trimtab.model;

import dev.trimtab.kernel.EmbeddingTable;
import dev.trimtab.kernel.LinearOperator;

/// A form of which all parts are packed: what models share. Each makes its own operators of it, which need
/// room of their own to compute in.
sealed interface Packed {
    long sizeBytes();

    /// One operator that needs no room.
    record Whole(LinearOperator operator) implements Packed {
        @Override
        public long sizeBytes() {
            return operator.sizeBytes();
        }
    }

    /// Rows that are only looked up.
    record Table(EmbeddingTable rows) implements Packed {
        @Override
        public long sizeBytes() {
            return rows.sizeBytes();
        }
    }

    record Product(Packed left, Packed right) implements Packed {
        @Override
        public long sizeBytes() {
            return left.sizeBytes() + right.sizeBytes();
        }
    }

    record Sum(Packed base, Packed correction) implements Packed {
        @Override
        public long sizeBytes() {
            return base.sizeBytes() + correction.sizeBytes();
        }
    }
}
