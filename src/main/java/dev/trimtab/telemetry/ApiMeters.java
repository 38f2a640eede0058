package dev.trimtab.telemetry;

import dev.trimtab.api.http.ApiListener;
import dev.trimtab.api.http.RequestReport;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/// Meters of what the HTTP edge answers.
final class ApiMeters implements ApiListener {
    private static final String NONE = "none";

    private final MeterRegistry registry;
    private final AtomicInteger inFlight = new AtomicInteger();

    ApiMeters(MeterRegistry registry) {
        this.registry = registry;
        MeterName.REQUESTS_IN_FLIGHT.gauge(registry, inFlight, AtomicInteger::get);
    }

    @Override
    public void started() {
        inFlight.incrementAndGet();
    }

    @Override
    public void finished(RequestReport report) {
        inFlight.decrementAndGet();
        String model = report.model().orElse(NONE);
        String code = Integer.toString(report.status());
        MeterName.REQUESTS.counter(registry, report.endpoint(), code, model).increment();
        report.dropReason()
                .ifPresent(reason -> MeterName.SHED.counter(registry, reason).increment());
        report.operation().ifPresent(operation -> generated(report, operation, model));
    }

    private void generated(RequestReport report, String operation, String model) {
        String error = report.status() < 400 ? NONE : Integer.toString(report.status());
        MeterName.REQUEST_DURATION
                .timer(registry, operation, model, error)
                .record(report.durationNanos(), TimeUnit.NANOSECONDS);
        if (report.promptTokens() > 0) {
            MeterName.TOKEN_USAGE.summary(registry, operation, model, "input").record(report.promptTokens());
            MeterName.TOKEN_USAGE.summary(registry, operation, model, "output").record(report.completionTokens());
        }
    }
}
