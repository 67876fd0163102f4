"""A program that sends logs and spans with the exporters of OpenTelemetry, which OTEL_EXPORTER_OTLP_… configure.

Arguments: the number of logs, the number of spans.
"""

from __future__ import annotations

import logging
import sys

from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

if __name__ == "__main__":
    logs, spans = map(int, sys.argv[1:])
    log_provider, tracer_provider = LoggerProvider(), TracerProvider()
    log_provider.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
    tracer_provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    logger = logging.getLogger("shop")
    logger.addHandler(LoggingHandler(logger_provider=log_provider))
    for number in range(logs):
        logger.error("line %d", number)
    tracer = tracer_provider.get_tracer("shop")
    for number in range(spans):
        with tracer.start_as_current_span(f"span {number}"):
            pass
    log_provider.shutdown()
    tracer_provider.shutdown()
