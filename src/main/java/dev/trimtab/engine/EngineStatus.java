package dev.trimtab.engine;

/// A snapshot of one engine for gauges and admission, readable from any thread. `kvBlocksUsed` are held by
/// sequences; `kvBlocksTotal` is what the engine would have if the whole pool were its own.
public record EngineStatus(int running, int waiting, int kvBlocksUsed, int kvBlocksTotal) {}
