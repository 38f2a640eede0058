package dev.trimtab.engine;

/// A snapshot of one engine for gauges and admission, readable from any thread.
public record EngineStatus(int running, int waiting, int kvBlocksUsed, int kvBlocksTotal) {}
