package dev.trimtab.telemetry;

import dev.trimtab.engine.EngineListener;
import dev.trimtab.engine.FinishReason;
import dev.trimtab.engine.SequenceReport;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/// Meters of one variant's engine. Looked up once, because steps are many: recording a step costs some
/// counter updates.
final class EngineMeters implements EngineListener {
    private final Timer stepTime;
    private final Timer stepOverhead;
    private final Counter prefillTokens;
    private final Counter decodeTokens;
    private final Counter promptTokens;
    private final Counter generationTokens;
    private final Timer[] firstToken;
    private final Timer[] perToken;
    private final Timer[] queueTime;
    private final Timer latency;
    private final Map<FinishReason, Counter> successes = new EnumMap<>(FinishReason.class);
    private final Map<FinishReason, Counter> ends = new EnumMap<>(FinishReason.class);
    private final Counter failures;

    EngineMeters(MeterRegistry registry, String model) {
        stepTime = MeterName.STEP_TIME.timer(registry, model);
        stepOverhead = MeterName.STEP_OVERHEAD.timer(registry, model);
        prefillTokens = MeterName.STEP_TOKENS.counter(registry, model, "prefill");
        decodeTokens = MeterName.STEP_TOKENS.counter(registry, model, "decode");
        promptTokens = MeterName.VLLM_PROMPT_TOKENS.counter(registry, model);
        generationTokens = MeterName.VLLM_GENERATION_TOKENS.counter(registry, model);
        firstToken = new Timer[] {
            MeterName.TIME_TO_FIRST_TOKEN.timer(registry, model),
            MeterName.VLLM_TIME_TO_FIRST_TOKEN.timer(registry, model)
        };
        perToken = new Timer[] {
            MeterName.TIME_PER_OUTPUT_TOKEN.timer(registry, model),
            MeterName.VLLM_TIME_PER_OUTPUT_TOKEN.timer(registry, model)
        };
        queueTime = new Timer[] {
            MeterName.QUEUE_TIME.timer(registry, model), MeterName.VLLM_QUEUE_TIME.timer(registry, model)
        };
        latency = MeterName.VLLM_LATENCY.timer(registry, model);
        for (FinishReason reason : FinishReason.values()) {
            ends.put(reason, MeterName.SEQUENCES_ENDED.counter(registry, model, word(reason)));
            if (reason != FinishReason.CANCELLED) {
                successes.put(reason, MeterName.VLLM_SUCCESS.counter(registry, model, word(reason)));
            }
        }
        failures = MeterName.SEQUENCES_ENDED.counter(registry, model, "error");
    }

    @Override
    public void stepped(int prefillTokens, int decodeTokens, long durationNanos, long forwardNanos) {
        stepTime.record(durationNanos, TimeUnit.NANOSECONDS);
        stepOverhead.record(durationNanos - forwardNanos, TimeUnit.NANOSECONDS);
        this.prefillTokens.increment(prefillTokens);
        this.decodeTokens.increment(decodeTokens);
    }

    @Override
    public void finished(SequenceReport report) {
        promptTokens.increment(report.usage().promptTokens());
        generationTokens.increment(report.usage().completionTokens());
        record(queueTime, report.queueNanos());
        if (report.usage().completionTokens() > 0) {
            record(firstToken, report.ttftNanos());
        }
        if (report.usage().completionTokens() > 1) {
            record(perToken, report.tpotNanos());
        }
        latency.record(report.totalNanos(), TimeUnit.NANOSECONDS);
        report.reason().map(ends::get).orElse(failures).increment();
        report.reason().map(successes::get).ifPresent(Counter::increment);
    }

    private static void record(Timer[] timers, long nanos) {
        for (Timer timer : timers) {
            timer.record(nanos, TimeUnit.NANOSECONDS);
        }
    }

    private static String word(FinishReason reason) {
        return switch (reason) {
            case STOP -> "stop";
            case LENGTH -> "length";
            case CANCELLED -> "cancelled";
        };
    }
}
