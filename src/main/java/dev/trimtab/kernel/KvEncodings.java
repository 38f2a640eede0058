package dev.trimtab.kernel;

import dev.trimtab.error.BadConfiguration;

/// How the keys and the values of a model are held in the KV cache.
public record KvEncodings(KvEncoding keys, KvEncoding values) {
    /// Nothing is lost.
    public static final KvEncodings F32 = alike(KvEncoding.F32);

    public static final KvEncodings F16 = alike(KvEncoding.F16);

    /// @throws BadConfiguration for keys of 4 bits. Scores are exponents of keys' products, so a key's error
    ///     multiplies weights where a value's is averaged: rounded to 4 bits, keys cost the demo model 0.0008
    ///     nats of KL divergence and stories260K 0.83, values 0.0003 and 0.003
    public KvEncodings {
        if (!keys.holdsKeys()) {
            throw new BadConfiguration("keys in " + keys.label() + ": f32, f16, bf16 or q8 expected, for what attention"
                    + " weighs is exponential in a key's error; values can be: {k: q8, v: " + keys.label() + "}");
        }
    }

    /// Keys and values held alike.
    public static KvEncodings alike(KvEncoding encoding) {
        return new KvEncodings(encoding, encoding);
    }

    /// `q8`, or `k q8, v q4`.
    public String label() {
        return keys == values ? keys.label() : "k " + keys.label() + ", v " + values.label();
    }
}
